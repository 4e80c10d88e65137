/**
 * The kernel's own count of packets per hook, against which a trace is checked:
 * two nft chains at each hook, one before conntrack, one after everything else,
 * with a counter for each family and protocol.
 */
import type { Net } from './topology.ts';

const TABLE = 'lab_count';
const HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const;
/** Before raw chains (-450, -300), defragmentation (-400) and conntrack (-200); after srcnat (100) and the helpers (300). */
const PRIORITIES = { early: -460, late: 350 } as const;

const MATCHES = {
  'ipv4 tcp': 'meta nfproto ipv4 meta l4proto tcp',
  'ipv4 udp': 'meta nfproto ipv4 meta l4proto udp',
  'ipv4 icmp': 'meta nfproto ipv4 meta l4proto icmp',
  'ipv4 udplite': 'meta nfproto ipv4 meta l4proto 136',
  'ipv4 sctp': 'meta nfproto ipv4 meta l4proto 132',
  'ipv4 dccp': 'meta nfproto ipv4 meta l4proto 33',
  'ipv4 gre': 'meta nfproto ipv4 meta l4proto 47',
  'ipv6 tcp': 'meta nfproto ipv6 meta l4proto tcp',
  'ipv6 udp': 'meta nfproto ipv6 meta l4proto udp',
  'ipv6 udplite': 'meta nfproto ipv6 meta l4proto 136',
  'ipv6 sctp': 'meta nfproto ipv6 meta l4proto 132',
  // errors and echo; not the neighbour and listener messages, which come when they like
  'ipv6 icmp': 'meta nfproto ipv6 icmpv6 type < 130',
} as const;

export type HookName = (typeof HOOKS)[number];
export type CountedTraffic = keyof typeof MATCHES;
export type When = keyof typeof PRIORITIES;

/** `counts.prerouting.early['ipv4 tcp']` packets. */
export type HookCounts = Record<HookName, Record<When, Record<CountedTraffic, number>>>;

function chainText(hook: HookName, when: When): string {
  const rules = Object.entries(MATCHES).map(
    ([traffic, match]) => `    ${match} counter comment "${traffic}"`,
  );
  const base = `    type filter hook ${hook} priority ${PRIORITIES[when]}; policy accept;`;
  return `  chain ${hook}_${when} {\n${[base, ...rules].join('\n')}\n  }`;
}

export async function addHookCounters(net: Net, namespace: string): Promise<void> {
  const chains = HOOKS.flatMap((hook) => [chainText(hook, 'early'), chainText(hook, 'late')]);
  const input = `table inet ${TABLE} {\n${chains.join('\n')}\n}\n`;
  await net.need(namespace, ['nft', '-f', '-'], { input });
}

/** As `nft -j` prints a rule; the counter stands in one of its expressions. */
interface PrintedRule {
  readonly chain: string;
  readonly comment?: string;
  readonly expr: readonly { readonly counter?: { readonly packets: number } }[];
}

/** What the counters say now. */
export async function readHookCounts(net: Net, namespace: string): Promise<HookCounts> {
  const text = await net.need(namespace, ['nft', '-j', 'list', 'table', 'inet', TABLE]);
  const { nftables } = JSON.parse(text) as { nftables: { rule?: PrintedRule }[] };
  const rules = nftables.flatMap((item) => (item.rule ? [item.rule] : []));
  const packets = (hook: HookName, when: When, traffic: string) => {
    const rule = rules.find((r) => r.chain === `${hook}_${when}` && r.comment === traffic);
    return rule?.expr.find((expression) => expression.counter)?.counter?.packets ?? 0;
  };
  const each = (hook: HookName, when: When) =>
    Object.fromEntries(Object.keys(MATCHES).map((name) => [name, packets(hook, when, name)]));
  const entries = HOOKS.map((hook) => [
    hook,
    { early: each(hook, 'early'), late: each(hook, 'late') },
  ]);
  return Object.fromEntries(entries) as HookCounts;
}
