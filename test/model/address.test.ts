import { isIPv6 } from 'node:net';
import { describe, expect, it } from 'vitest';
import { addressText, endText } from '../../src/model/address.ts';
import { seeded } from '../wire/random.ts';
import { addressBytes } from '../wire/record-fixture.ts';

const text = (hex: string): string => addressText(Buffer.from(hex, 'hex'));

describe('addressText', () => {
  it.each([
    // RFC 5952, 4.1: no leading zeros
    ['20010db8000000000000000000000001', '2001:db8::1'],
    // 4.2.1: as short as possible
    ['20010db8000000000000000000020001', '2001:db8::2:1'],
    // 4.2.2: "::" does not stand for one group
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    // 4.2.3: the longest run, and of equal ones the first
    ['20010000000000010000000000000001', '2001:0:0:1::1'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    // 4.3: lower case
    ['2001db80aaaabbbbccccddddeeeeffff', '2001:db80:aaaa:bbbb:cccc:dddd:eeee:ffff'],
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['fe800000000000000000000000000000', 'fe80::'],
    ['00010000000000000000000000000000', '1::'],
    ['00010002000300040005000600070000', '1:2:3:4:5:6:7:0'],
    // IPv4-mapped (RFC 4291, 2.5.5.2): the address is IPv4
    ['00000000000000000000ffffcb007102', '203.0.113.2'],
    ['00000000000000000000ffff00000000', '0.0.0.0'],
    ['00000000000000000000ffffffffffff', '255.255.255.255'],
    // nearly so
    ['00000000000000000001ffffcb007102', '::1:ffff:cb00:7102'],
    ['0000000000000000000000ffcb007102', '::ff:cb00:7102'],
  ])('%s is %s', (hex, expected) => {
    expect(text(hex)).toBe(expected);
  });

  it('writes any address as the URL parser does, and as it can be read back', () => {
    const random = seeded(5952);
    for (let turn = 0; turn < 3000; turn++) {
      const groups = Array.from({ length: 8 }, () =>
        random.below(3) === 0 ? random.below(0x10000) : random.pick([0, 0, 0, 1, 0xff]),
      );
      const bytes = Buffer.from(groups.flatMap((group) => [group >>> 8, group & 255]));
      const found = addressText(bytes);
      if (!found.includes(':')) continue; // IPv4-mapped
      expect(isIPv6(found)).toBe(true);
      expect(new URL(`http://[${groups.map((group) => group.toString(16)).join(':')}]/`).host).toBe(
        `[${found}]`,
      );
      expect(addressBytes(found)).toEqual(bytes);
    }
  });

  it('reads at an offset and leaves the bytes around alone', () => {
    const bytes = Buffer.concat([
      Buffer.alloc(3, 0xff),
      addressBytes('fd00::a:1'),
      Buffer.alloc(3),
    ]);
    expect(addressText(bytes, 3)).toBe('fd00::a:1');
  });
});

describe('endText', () => {
  it.each([
    ['10.0.1.2', 8080, true, '10.0.1.2:8080'],
    ['fd00::1', 8080, true, '[fd00::1]:8080'],
    ['fd00::1', 8080, false, 'fd00::1'],
    ['10.0.1.2', 0, true, '10.0.1.2:0'],
  ])('of %s, %i, %s is %s', (address, port, hasPort, expected) => {
    expect(endText(address, port, hasPort)).toBe(expected);
  });
});
