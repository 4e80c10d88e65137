/** The networks of the scenarios, as data. */
import type { TopologyName } from './scenario.ts';

/** An interface with its addresses: an IPv4 one with 24 bits of prefix, an IPv6 one with 64. */
export interface Station {
  readonly namespace: string;
  readonly device: string;
  readonly mac: string;
  readonly ipv4: string;
  readonly ipv6: string;
  /** The station that forwards for this one: its default route. */
  readonly gateway?: Station;
}

/** An end of a link that belongs to a bridge of its namespace, and has no address. */
export interface Port {
  readonly namespace: string;
  readonly device: string;
  readonly bridge: string;
  /** Frames may go back where they came from. */
  readonly hairpin?: boolean;
}

export type LinkEnd = Station | Port;

/** A VLAN on another interface of its namespace. */
export interface Vlan extends Station {
  readonly on: string;
  readonly id: number;
}

/** A tunnel end; the outer packets go from one address to the other, to UDP port 4789. */
export interface Vxlan extends Station {
  readonly id: number;
  readonly local: string;
  readonly remote: string;
}

export interface TopologyPlan {
  readonly namespaces: readonly string[];
  /** Those that forward. */
  readonly routers: readonly string[];
  readonly links: readonly (readonly [LinkEnd, LinkEnd])[];
  readonly bridges?: readonly Station[];
  readonly vlans?: readonly Vlan[];
  readonly vxlans?: readonly Vxlan[];
}

export function isPort(end: LinkEnd): end is Port {
  return 'bridge' in end;
}

/** Whoever has an address: these reach each other where they share a prefix. */
export function stationsOf(plan: TopologyPlan): readonly Station[] {
  const ends = plan.links.flat().filter((end): end is Station => !isPort(end));
  return [...ends, ...(plan.bridges ?? []), ...(plan.vlans ?? []), ...(plan.vxlans ?? [])];
}

const toClient: Station = {
  namespace: 'router',
  device: 'to-client',
  mac: '02:00:00:01:00:01',
  ipv4: '10.0.1.1',
  ipv6: 'fd00:1::1',
};
const client: Station = {
  namespace: 'client',
  device: 'eth0',
  mac: '02:00:00:01:00:02',
  ipv4: '10.0.1.2',
  ipv6: 'fd00:1::2',
  gateway: toClient,
};
const toServer: Station = {
  namespace: 'router',
  device: 'to-server',
  mac: '02:00:00:02:00:01',
  ipv4: '203.0.113.1',
  ipv6: 'fd00:2::1',
};
const server: Station = {
  namespace: 'server',
  device: 'eth0',
  mac: '02:00:00:02:00:02',
  ipv4: '203.0.113.2',
  ipv6: 'fd00:2::2',
  gateway: toServer,
};

const routed: TopologyPlan = {
  namespaces: ['client', 'router', 'server'],
  routers: ['router'],
  links: [
    [client, toClient],
    [toServer, server],
  ],
};

const vlans: readonly Vlan[] = [
  station('client', 'eth0.7', '02:00:00:01:00:02', 17, 2, { on: 'eth0', id: 7 }),
  station('router', 'to-client.7', '02:00:00:01:00:01', 17, 1, { on: 'to-client', id: 7 }),
  station('router', 'to-server.8', '02:00:00:02:00:01', 18, 1, { on: 'to-server', id: 8 }),
  station('server', 'eth0.8', '02:00:00:02:00:02', 18, 2, { on: 'eth0', id: 8 }),
];
const vxlans: readonly Vxlan[] = [
  station('client', 'vx0', '02:00:00:09:00:02', 19, 2, {
    ...{ id: 9, local: client.ipv4, remote: server.ipv4 },
  }),
  station('server', 'vx0', '02:00:00:09:00:03', 19, 3, {
    ...{ id: 9, local: server.ipv4, remote: client.ipv4 },
  }),
];

const bridge = station('host', 'br0', '02:00:00:03:00:01', 3, 1, {});
const wan: Station = { ...toServer, namespace: 'host', device: 'wan' };

/** 10.0.<net>.<last> and fd00:<net>::<last>. */
function station<Rest extends object>(
  namespace: string,
  device: string,
  mac: string,
  net: number,
  last: number,
  rest: Rest,
): Station & Rest {
  const addresses = { ipv4: `10.0.${net}.${last}`, ipv6: `fd00:${net}::${last}` };
  return { namespace, device, mac, ...addresses, ...rest };
}

export const TOPOLOGIES: Readonly<Record<TopologyName, TopologyPlan>> = {
  /** client -- router -- server; only the first of them is behind NAT, if the rules say so. */
  routed,
  /** The same, with a VLAN on each link and a VXLAN between the two ends. */
  layered: { ...routed, vlans, vxlans },
  /** one and two on a bridge of host, which has the world behind it. */
  bridged: {
    namespaces: ['host', 'one', 'two', 'world'],
    routers: ['host'],
    bridges: [bridge],
    links: [
      [
        station('one', 'eth0', '02:00:00:03:00:02', 3, 2, { gateway: bridge }),
        { namespace: 'host', device: 'port-one', bridge: 'br0', hairpin: true },
      ],
      [
        station('two', 'eth0', '02:00:00:03:00:03', 3, 3, { gateway: bridge }),
        { namespace: 'host', device: 'port-two', bridge: 'br0' },
      ],
      [wan, { ...server, namespace: 'world', gateway: wan }],
    ],
  },
  /** One namespace with nothing but its loopback. */
  single: { namespaces: ['host'], routers: [], links: [] },
};
