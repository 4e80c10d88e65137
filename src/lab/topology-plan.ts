/** The networks of the scenarios, as data. */
import type { TopologyName } from './scenario.ts';

/** One end of a link: an interface with its addresses, and the way to everything else. */
export interface LinkEnd {
  readonly namespace: string;
  readonly device: string;
  readonly mac: string;
  readonly ipv4: string;
  readonly ipv6: string;
  /** The other end forwards: it is the default route. */
  readonly gateway?: boolean;
}

export interface TopologyPlan {
  readonly namespaces: readonly string[];
  /** Those that forward. */
  readonly routers: readonly string[];
  readonly links: readonly (readonly [LinkEnd, LinkEnd])[];
}

const client: LinkEnd = {
  namespace: 'client',
  device: 'eth0',
  mac: '02:00:00:01:00:02',
  ipv4: '10.0.1.2',
  ipv6: 'fd00:1::2',
  gateway: true,
};
const toClient: LinkEnd = {
  namespace: 'router',
  device: 'to-client',
  mac: '02:00:00:01:00:01',
  ipv4: '10.0.1.1',
  ipv6: 'fd00:1::1',
};
const toServer: LinkEnd = {
  namespace: 'router',
  device: 'to-server',
  mac: '02:00:00:02:00:01',
  ipv4: '203.0.113.1',
  ipv6: 'fd00:2::1',
};
const server: LinkEnd = {
  namespace: 'server',
  device: 'eth0',
  mac: '02:00:00:02:00:02',
  ipv4: '203.0.113.2',
  ipv6: 'fd00:2::2',
  gateway: true,
};

export const TOPOLOGIES: Readonly<Record<TopologyName, TopologyPlan>> = {
  /** client -- router -- server; only the first of them is behind NAT, if the rules say so. */
  routed: {
    namespaces: ['client', 'router', 'server'],
    routers: ['router'],
    links: [
      [client, toClient],
      [toServer, server],
    ],
  },
  /** One namespace with nothing but its loopback. */
  single: { namespaces: ['host'], routers: [], links: [] },
};
