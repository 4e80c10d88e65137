import { expect, it } from 'vitest';
import { localAddresses } from '../../src/kernel/local-addresses.ts';

/** Of `ip -j addr` and `ip -j route show table local type local`. */
const LINKS = JSON.stringify([
  { ifname: 'lo', addr_info: [{ family: 'inet', local: '127.0.0.1', prefixlen: 8 }] },
  { ifname: 'eth0', addr_info: [{ local: '10.0.1.1' }, { local: 'fe80::1' }] },
  { ifname: 'eth1' },
]);
const LOCAL = JSON.stringify([
  { type: 'local', dst: '127.0.0.0/8', dev: 'lo' },
  { type: 'local', dst: '10.9.9.9', dev: 'eth0' },
]);

it('addresses are local by interface, by route and by prefix', () => {
  const { isLocal, addressesOf } = localAddresses(LINKS, [LOCAL, '']);
  const local = ['127.0.0.1', '127.255.255.255', '10.0.1.1', '10.9.9.9', 'fe80::1'];
  expect(local.filter((address) => !isLocal(address))).toEqual([]);
  expect(['128.0.0.0', '126.255.255.255', '10.0.1.2', 'fe80::2'].filter(isLocal)).toEqual([]);
  expect(addressesOf('eth0')).toEqual(['10.0.1.1', 'fe80::1']);
  expect(addressesOf('eth1')).toEqual([]);
  expect(addressesOf('eth2')).toBeUndefined();
});

it('a prefix of IPv6 is local as a whole', () => {
  const { isLocal } = localAddresses('', ['', JSON.stringify([{ dst: 'fd00:1::/32' }])]);
  expect(isLocal('fd00:1:ffff::9')).toBe(true);
  expect(isLocal('fd00:2::')).toBe(false);
});
