/**
 * The vocabulary as numbers. Each list is indexed by its code, so that a column
 * keeps one byte a row and a reader sees the word. Order is part of the schema:
 * new words go to the end.
 */

export const HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const;
export type HookName = (typeof HOOKS)[number];
/** Numbers of enum nf_inet_hooks (uapi/linux/netfilter.h). */
export const Hook = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;

/** NF_DROP, NF_ACCEPT, NF_STOLEN, NF_QUEUE (uapi/linux/netfilter.h). */
export const VERDICTS = ['drop', 'accept', 'stolen', 'queue', 'repeat', 'stop'] as const;
export const Verdict = { drop: 0, accept: 1, stolen: 2, queue: 3 } as const;

export const DIRECTIONS = ['original', 'reply'] as const;

/** A packet's conntrack state, as rules match it with `ct state`. */
export const STATES = [
  'none', // conntrack did not look at the packet
  'new',
  'established',
  'related',
  'untracked',
  'invalid',
] as const;
export const State = {
  none: 0,
  new: 1,
  established: 2,
  related: 3,
  untracked: 4,
  invalid: 5,
} as const;

/** How one manip of one packet came about. */
export const DECISIONS = [
  'none', // no NAT applies to this end of the packet
  'rule', // the nat chains ran for this packet and a rule decided
  'mapping', // rewritten from the mapping stored in the entry; no chain ran
  'null mapping', // decided now: no rule matched, nothing will be changed
  'unknown', // the records that would tell were lost
] as const;
export const Decision = { none: 0, rule: 1, mapping: 2, nullMapping: 3, unknown: 4 } as const;

/** How the stored mapping of one flow and manip came about. */
export const MAPPINGS = [
  'none', // no NAT hook has looked at this manip
  'rule', // a rule decided, seen in the trace
  'null mapping', // no rule matched, seen in the trace
  'older', // in force, made before the trace began or before its records
  'unknown',
] as const;
export const Mapping = { none: 0, rule: 1, nullMapping: 2, older: 3, unknown: 4 } as const;

/** What `__nf_conntrack_confirm()` made of a flow. */
export const CONFIRMS = ['none', 'inserted', 'refused', 'merged', 'older', 'unknown'] as const;
export const Confirm = {
  none: 0,
  inserted: 1,
  refused: 2,
  merged: 3,
  older: 4,
  unknown: 5,
} as const;

/** How a flow ended, as far as the trace saw it. */
export const ENDS = [
  'open',
  'deleted',
  'expired',
  'never confirmed',
  'freed',
  'evicted', // deleted to make room for another: the table was full
] as const;
export const End = {
  open: 0,
  deleted: 1,
  expired: 2,
  neverConfirmed: 3,
  freed: 4,
  evicted: 5,
} as const;

/** Which direction's packets a flow's zone is about: as in struct nf_conntrack_zone, where 3 is both. */
export const ZONE_DIRECTIONS = ['both', 'original', 'reply'] as const;

/** IANA protocol numbers that have a name here; others show as their number. */
export const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'icmp',
  2: 'igmp',
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  47: 'gre',
  50: 'esp',
  51: 'ah',
  58: 'icmpv6',
  132: 'sctp',
  136: 'udplite',
};

export function protocolName(l4proto: number): string {
  return PROTOCOLS[l4proto] ?? String(l4proto);
}

/** dccp, sctp, tcp, udp, udplite: those whose ports a rule can ask for. */
/** Protocols whose tuples have ports. */
export const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);

export function hasPorts(protocol: number): boolean {
  return WITH_PORTS.has(protocol);
}

/** Bits of nf_conn.status (uapi/linux/netfilter/nf_conntrack_common.h). */
export const Status = {
  expected: 1 << 0,
  seenReply: 1 << 1,
  assured: 1 << 2,
  confirmed: 1 << 3,
  srcNat: 1 << 4,
  dstNat: 1 << 5,
  seqAdjust: 1 << 6,
  srcNatDone: 1 << 7,
  dstNatDone: 1 << 8,
  dying: 1 << 9,
  fixedTimeout: 1 << 10,
  template: 1 << 11,
  natClash: 1 << 12,
  helper: 1 << 13,
  offload: 1 << 14,
  hwOffload: 1 << 15,
} as const;

/** What keeps a rule: nf_tables, nf_tables as iptables wrote it, ip_tables. */
export const RULE_BACKENDS = ['nft', 'iptables-nft', 'legacy'] as const;

/** What the packets of a rule were counted by. */
export const COUNTED_BY = [
  'none', // nothing counted them
  'packets', // the trace saw each of them
  'accounting', // conntrack's own counters (nf_conntrack_acct)
] as const;

/** The probes, by record kind; the rows of the ledger carry these names. */
export const PROBES = [
  'none',
  'traversal',
  'came',
  'left',
  'flow',
  'end',
  'drop',
  'rules',
  'failure',
  'text',
  'state',
  'module',
] as const;
