// Made from bpf/record.h by `make layout`. Not edited by hand.

/** Byte offsets within struct record. */
export const record = {
  ktimeNs: 0, // 8 bytes
  skb: 8, // 8 bytes
  firstNs: 8, // 8 bytes
  srcRule: 8, // 8 bytes
  parent: 8, // 8 bytes
  rival: 8, // 8 bytes
  textAt: 8, // 8 bytes
  flow: 16, // 8 bytes
  seq: 24, // 4 bytes
  netns: 28, // 4 bytes
  cpu: 32, // 2 bytes
  kind: 34, // 1 byte
  hook: 35, // 1 byte
  state: 35, // 1 byte
  family: 36, // 1 byte
  l4proto: 37, // 1 byte
  ctinfo: 38, // 1 byte
  cause: 38, // 1 byte
  verdict: 39, // 1 byte
  status: 40, // 2 bytes
  flags: 42, // 2 bytes
  mark: 44, // 4 bytes
  tries: 44, // 4 bytes
  error: 44, // 4 bytes
  traversalStartedNs: 48, // 8 bytes
  traversalVisits: 56, // 1 byte
  traversalHooks: 57, // 3 x 1 byte
  traversalAt: 60, // 5 x 4 bytes
  traversalSeen: 80, // 4 bytes
  traversalLen: 84, // 4 bytes
  traversalInIfindex: 88, // 4 bytes
  traversalOutIfindex: 92, // 4 bytes
  text: 48, // 48 x 1 byte
  src: 48, // 16 x 1 byte
  dst: 64, // 16 x 1 byte
  counted: 48, // 4 x 8 bytes
  bothSrc: 48, // 4 bytes
  bothDst: 52, // 4 bytes
  bothSrcReply: 56, // 4 bytes
  bothDstReply: 60, // 4 bytes
  bothSrcPortReply: 64, // 2 bytes
  bothDstPortReply: 66, // 2 bytes
  bothSinceFirstNs: 68, // 4 bytes
  bothEntry: 72, // 8 bytes
  srcPort: 80, // 2 bytes
  dstPort: 82, // 2 bytes
  zone: 84, // 4 bytes
  remaining: 84, // 4 bytes
  reason: 84, // 4 bytes
  entry: 88, // 8 bytes
  dstRule: 88, // 8 bytes
  location: 88, // 8 bytes
  said: 88, // 8 bytes
  fill: 88, // 4 bytes
  limit: 92, // 4 bytes
} as const;
export const recordBytes = 96;

/** enum record_kind. */
export const RecordKind = {
  traversal: 1,
  came: 2,
  left: 3,
  flow: 4,
  end: 5,
  drop: 6,
  rules: 7,
  failure: 8,
  text: 9,
  state: 10,
  module: 11,
  kinds: 12,
} as const;

/** enum record_ctinfo. */
export const Ctinfo = {
  untracked: 7,
  none: 255,
} as const;

/** enum record_flag. */
export const RecordFlag = {
  packetConntrackRan: 1,
  packetHadEntry: 4,
  packetNoPorts: 8,
  packetCameAsFlow: 16,
  packetLeftAsCame: 32,
  packetLeftAsMapped: 64,
  packetIsPart: 128,
  packetIsTorn: 256,
  flowReply: 1,
  flowNew: 2,
  flowConfirmRan: 4,
  flowMerged: 8,
  flowSrcRule: 16,
  flowSrcNull: 32,
  flowDstRule: 64,
  flowDstNull: 128,
  flowRules: 256,
  flowBoth: 512,
  flowParent: 1024,
  moduleGone: 1,
  endUnconfirmed: 1,
  endDeleted: 2,
  endOpen: 4,
  endAccounted: 8,
  endEvicted: 16,
} as const;

/** enum record_failure. */
export const FailureKind = {
  invalid: 1,
  refused: 2,
  full: 3,
  evicted: 4,
  clash: 5,
  confirm: 6,
  search: 7,
  range: 8,
  expect: 9,
  helper: 10,
  sequence: 11,
} as const;

/** enum record_failure_flag. */
export const FailureFlag = {
  ofEntry: 1,
  merged: 2,
  replyTaken: 4,
  noTuple: 8,
} as const;

/** enum record_seen. */
export const Seen = {
  chains: 0,
  rewritten: 5,
  decided: 10,
  confirm: 14,
  state: 16,
  queued: 20,
} as const;

/** enum record_confirm. */
export const ConfirmCode = {
  none: 0,
  inserted: 1,
  refused: 2,
  merged: 3,
} as const;

/** enum record_state. */
export const StateCode = {
  notTold: 0,
  tcp: 1,
  noTcp: 15,
} as const;

/** enum record_rule. */
export const RuleBits = {
  numberBits: 35,
  tableBits: 24,
  hookBits: 3,
} as const;

/** enum record_rule_kind. */
export const RuleKind = {
  nft: 1,
  legacy: 2,
  notFound: 3,
} as const;

/** Byte offsets within struct counters. */
export const counters = {
  tried: 0, // 16 x 8 bytes
  ringFull: 128, // 16 x 8 bytes
  callsFull: 256, // 8 bytes
  callsBegun: 264, // 8 bytes
  callsEnded: 272, // 8 bytes
  missedEntry: 280, // 8 bytes
  flowsFull: 288, // 8 bytes
  filteredOut: 296, // 8 bytes
  nextFlow: 304, // 8 bytes
  seq: 312, // 4 bytes
} as const;
export const countersBytes = 384;

/** Byte offsets within struct filter_terms. */
export const filterTerms = {
  host: 0, // 16 x 32 bytes
  srcHost: 512, // 16 x 32 bytes
  dstHost: 1024, // 16 x 32 bytes
  interface: 1536, // 16 x 8 bytes
  ifindex: 1664, // 8 x 4 bytes
  netns: 1696, // 8 x 4 bytes
  port: 1728, // 16 x 4 bytes
  srcPort: 1792, // 16 x 4 bytes
  dstPort: 1856, // 16 x 4 bytes
  mark: 1920, // 4 bytes
  markMask: 1924, // 4 bytes
  zone: 1928, // 8 x 2 bytes
  protocol: 1944, // 8 x 2 bytes
  ctinfos: 1960, // 2 bytes
  hosts: 1962, // 1 byte
  srcHosts: 1963, // 1 byte
  dstHosts: 1964, // 1 byte
  ports: 1965, // 1 byte
  srcPorts: 1966, // 1 byte
  dstPorts: 1967, // 1 byte
  interfaces: 1968, // 1 byte
  ifindexes: 1969, // 1 byte
  namespaces: 1970, // 1 byte
  zones: 1971, // 1 byte
  protocols: 1972, // 1 byte
  family: 1973, // 1 byte
  hooks: 1974, // 1 byte
  newOnly: 1975, // 1 byte
  byFlow: 1976, // 1 byte
  byPacket: 1977, // 1 byte
  pcap: 1978, // 1 byte
} as const;
export const filterTermsBytes = 1984;

/** Byte offsets within struct pcap_view. */
export const pcapView = {
  packet: 0, // 8 bytes
  valid: 8, // 4 bytes
  len: 12, // 4 bytes
  bytes: 16, // 96 x 1 byte
} as const;
export const pcapViewBytes = 112;

