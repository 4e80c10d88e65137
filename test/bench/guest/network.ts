/** In the guest: client, router with masquerade, and a server that counts what arrives. */
import { writeFile } from 'node:fs/promises';
import type { Scenario } from '../../../src/lab/scenario.ts';
import { type Net, withTopology } from '../../../src/lab/topology.ts';

export const MOST_FLOWS = 400_000;
const MOST_ENTRIES = 524_288;
/** As many buckets as entries, as on nodes with more memory: chains stay short. */
const SIZES = [
  '/sys/module/nf_conntrack/parameters/hashsize',
  '/proc/sys/net/netfilter/nf_conntrack_max', // the first namespace's alone may be written
];
export const SERVER = '203.0.113.2';
/** To each address there are 64,512 flows, by their source ports. */
const MORE_SERVERS = [3, 4, 5, 6, 7, 8].map((last) => `203.0.113.${last}`);
export const PORT = 7000;

const ROUTER_RULES = `
table ip nat {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "to-server" counter masquerade
  }
}
table ip filter {
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state new,established,related counter accept
  }
}`;

/** Before connection tracking, so that the router alone tracks. */
const SERVER_RULES = `
table ip sink {
  counter arrived { }
  chain prerouting {
    type filter hook prerouting priority -300; policy accept;
    udp dport ${PORT} counter name arrived drop
  }
}`;

/** No entry goes away while it is counted: how long a workload takes is not its cost. */
const ROUTER_SYSCTLS = {
  'net.netfilter.nf_conntrack_udp_timeout': '3600',
};

const SCENARIO: Scenario = {
  name: 'bench',
  title: 'one router with masquerade',
  why: 'cost per packet',
  topology: 'routed',
  sysctl: { router: ROUTER_SYSCTLS },
  count: [],
  countFlows: [],
  sniff: [],
  rules: {},
  beforeTrace: [],
  traffic: [],
  expect: {},
};

export async function withNetwork<T>(work: (net: Net) => Promise<T>): Promise<T> {
  return withTopology(SCENARIO, async (net) => {
    for (const size of SIZES) await writeFile(size, String(MOST_ENTRIES));
    for (const address of MORE_SERVERS) {
      await net.need('server', ['ip', 'address', 'add', `${address}/24`, 'dev', 'eth0']);
    }
    await net.need('router', ['nft', '-f', '-'], { input: ROUTER_RULES });
    await net.need('server', ['nft', '-f', '-'], { input: SERVER_RULES });
    return work(net);
  });
}

export async function forgetFlows(net: Net): Promise<void> {
  await net.need('router', ['conntrack', '-F']);
}

/** Packets at the server since the last call. */
export async function takeArrived(net: Net): Promise<number> {
  const text = await net.need('server', ['nft', 'reset', 'counter', 'ip', 'sink', 'arrived']);
  return Number(/packets (\d+)/.exec(text)?.[1] ?? Number.NaN);
}
