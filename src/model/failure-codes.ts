/** What conntrack can refuse or lose, and how a trace knows of it. Order is part of the schema. */

export const CAUSES = [
  'none',
  'invalid packet', // conntrack refused it: `ct state invalid`
  'icmp refused', // the same of ICMP, which the kernel counts as error
  'logged only', // the kernel complained, and kept the packet valid
  'refused at once', // conntrack dropped it, though the table was not full
  'table full', // no entry for it, and none could be evicted
  'evicted', // the rival had to go to make room
  'clash refused', // another flow has its original tuple
  'mapping taken', // another flow has the reply tuple that NAT gave it
  'clash merged', // the packet now belongs to the flow that was first
  'clash kept', // an entry of a second, which only replies find
  'entry dying',
  'not inserted',
  'no free port', // NAT tried, and every tuple was another flow's
  'expectation refused',
  'dropped by helper',
  'sequence not adjusted',
] as const;
export const Cause = {
  none: 0,
  invalidPacket: 1,
  icmpRefused: 2,
  loggedOnly: 3,
  refusedAtOnce: 4,
  tableFull: 5,
  evicted: 6,
  clashRefused: 7,
  mappingTaken: 8,
  clashMerged: 9,
  clashKept: 10,
  entryDying: 11,
  notInserted: 12,
  noFreePort: 13,
  expectationRefused: 14,
  droppedByHelper: 15,
  sequenceNotAdjusted: 16,
} as const;
export type CauseCode = (typeof Cause)[keyof typeof Cause];

/** What the kernel adds to for each cause, as `conntrack -S` names it; the others move no counter. */
export const COUNTERS: Readonly<Partial<Record<CauseCode, readonly string[]>>> = {
  [Cause.invalidPacket]: ['invalid'],
  [Cause.icmpRefused]: ['error'],
  [Cause.refusedAtOnce]: ['drop'],
  [Cause.tableFull]: ['drop'],
  [Cause.evicted]: ['early_drop'],
  [Cause.clashRefused]: ['drop', 'insert_failed'],
  [Cause.mappingTaken]: ['drop', 'insert_failed'],
  [Cause.clashMerged]: ['clash_resolve'],
  [Cause.clashKept]: ['clash_resolve'],
  [Cause.entryDying]: ['insert_failed'],
  [Cause.notInserted]: ['insert_failed'],
  [Cause.sequenceNotAdjusted]: ['drop'],
};

/** Counters of `conntrack -S` that rows of `failures` explain. */
export const EXPLAINED = [
  'invalid',
  'error',
  'drop',
  'early_drop',
  'insert_failed',
  'clash_resolve',
] as const;

/** How a trace knows the cause. */
export const KNOWN_BY = [
  'call', // the kernel function says so by its result
  'packet', // by what became of the packet
  'text', // by the kernel's words alone
] as const;
export const KnownBy = { call: 0, packet: 1, text: 2 } as const;
