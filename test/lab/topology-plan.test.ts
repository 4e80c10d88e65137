import { describe, expect, it } from 'vitest';
import { isPort, stationsOf, TOPOLOGIES } from '../../src/lab/topology-plan.ts';

const NAME_BYTES = 15; // IFNAMSIZ less the zero behind it
const prefix = (ipv4: string) => ipv4.replace(/\d+$/, '');

describe.each(Object.entries(TOPOLOGIES))('the topology %s', (_, plan) => {
  const stations = stationsOf(plan);

  it('has each device once in its namespace, with a name that fits', () => {
    const ports = plan.links.flat().filter(isPort);
    const devices = [...stations, ...ports].map((end) => `${end.namespace} ${end.device}`);
    expect(new Set(devices).size).toBe(devices.length);
    for (const { namespace, device } of [...stations, ...ports]) {
      expect(plan.namespaces).toContain(namespace);
      expect(device.length).toBeLessThanOrEqual(NAME_BYTES);
    }
  });

  it('has each address once, and a gateway that forwards and can be reached', () => {
    const addresses = stations.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]);
    expect(new Set(addresses).size).toBe(addresses.length);
    for (const { ipv4, gateway } of stations) {
      if (gateway === undefined) continue;
      expect(stations).toContain(gateway);
      expect(plan.routers).toContain(gateway.namespace);
      expect(prefix(gateway.ipv4)).toBe(prefix(ipv4));
    }
  });

  it('has a bridge for each port, and something for each VLAN to be on', () => {
    for (const port of plan.links.flat().filter(isPort)) {
      const bridges = (plan.bridges ?? []).filter((one) => one.namespace === port.namespace);
      expect(bridges.map(({ device }) => device)).toContain(port.bridge);
    }
    for (const vlan of plan.vlans ?? []) {
      const there = stations.filter((one) => one.namespace === vlan.namespace);
      expect(there.map(({ device }) => device)).toContain(vlan.on);
    }
  });

  it('has tunnels that lead from one station to another, and back', () => {
    const ends = (plan.vxlans ?? []).map(({ local, remote }) => [local, remote]);
    for (const [local, remote] of ends) {
      expect(stations.map(({ ipv4 }) => ipv4)).toEqual(expect.arrayContaining([local, remote]));
      expect(ends).toContainEqual([remote, local]);
    }
  });
});
