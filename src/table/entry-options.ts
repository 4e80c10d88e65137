/**
 * The options of conntrack(8) that name, match and describe an entry, by the
 * names that it gives them. One list for the command line and for the lines of
 * `-o save`, which are written in the same words.
 */
/** What was given, by the key of each option; a flag without a value has ''. */
export type EntryWords = { readonly [Key in EntryKey]?: string };

export interface EntryOption {
  readonly key: string;
  readonly short?: string;
  /** The first is shown in help. */
  readonly long: readonly string[];
  readonly value: string;
  /** The value may be left out. */
  readonly isFlag?: true;
  readonly meaning: string;
}

const ADDRESS = '<address>';

export const ENTRY_OPTIONS = [
  {
    ...{ key: 'family', short: '-f', long: ['family'], value: '<ipv4|ipv6>' },
    meaning: 'protocol of layer 3',
  },
  {
    ...{ key: 'protonum', short: '-p', long: ['protonum', 'proto'], value: '<protocol>' },
    meaning: 'protocol of layer 4: name or number',
  },
  {
    ...{ key: 'origSrc', short: '-s', long: ['orig-src', 'src'], value: ADDRESS },
    meaning: 'source of the original tuple; a prefix such as 10.0.0.0/8 to match',
  },
  {
    ...{ key: 'origDst', short: '-d', long: ['orig-dst', 'dst'], value: ADDRESS },
    meaning: 'destination of the original tuple',
  },
  {
    ...{ key: 'replySrc', short: '-r', long: ['reply-src'], value: ADDRESS },
    meaning: 'source of the reply tuple',
  },
  {
    ...{ key: 'replyDst', short: '-q', long: ['reply-dst'], value: ADDRESS },
    meaning: 'destination of the reply tuple',
  },
  {
    ...{ key: 'maskSrc', long: ['mask-src'], value: '<mask>' },
    meaning: 'bits of --orig-src that count',
  },
  {
    ...{ key: 'maskDst', long: ['mask-dst'], value: '<mask>' },
    meaning: 'bits of --orig-dst that count',
  },
  {
    ...{ key: 'sport', long: ['sport', 'orig-port-src'], value: '<port>' },
    meaning: 'source port of the original tuple',
  },
  {
    ...{ key: 'dport', long: ['dport', 'orig-port-dst'], value: '<port>' },
    meaning: 'destination port of the original tuple',
  },
  {
    ...{ key: 'replySport', long: ['reply-port-src'], value: '<port>' },
    meaning: 'source port of the reply tuple',
  },
  {
    ...{ key: 'replyDport', long: ['reply-port-dst'], value: '<port>' },
    meaning: 'destination port of the reply tuple',
  },
  {
    ...{ key: 'icmpType', long: ['icmp-type', 'icmpv6-type'], value: '<number>' },
    meaning: 'ICMP type; also --icmpv6-type',
  },
  {
    ...{ key: 'icmpCode', long: ['icmp-code', 'icmpv6-code'], value: '<number>' },
    meaning: 'ICMP code; also --icmpv6-code',
  },
  {
    ...{ key: 'icmpId', long: ['icmp-id', 'icmpv6-id'], value: '<number>' },
    meaning: 'ICMP identifier; also --icmpv6-id',
  },
  {
    ...{ key: 'srckey', long: ['srckey', 'orig-key-src'], value: '<key>' },
    meaning: 'GRE: source key of the original tuple',
  },
  {
    ...{ key: 'dstkey', long: ['dstkey', 'orig-key-dst'], value: '<key>' },
    meaning: 'GRE: destination key of the original tuple',
  },
  {
    ...{ key: 'replySrckey', long: ['reply-key-src'], value: '<key>' },
    meaning: 'GRE: source key of the reply tuple',
  },
  {
    ...{ key: 'replyDstkey', long: ['reply-key-dst'], value: '<key>' },
    meaning: 'GRE: destination key of the reply tuple',
  },
  {
    ...{ key: 'state', long: ['state'], value: '<state>' },
    meaning: 'state of TCP, SCTP or DCCP, e.g. ESTABLISHED',
  },
  {
    ...{ key: 'status', short: '-u', long: ['status'], value: '<list>' },
    meaning:
      'ASSURED, SEEN_REPLY, UNREPLIED, FIXED_TIMEOUT, EXPECTED, OFFLOAD, HW_OFFLOAD: all of them; UNSET: neither of the first two',
  },
  {
    ...{ key: 'mark', short: '-m', long: ['mark'], value: '<value[/mask]>' },
    meaning: 'mark of the entry',
  },
  {
    ...{ key: 'zone', short: '-w', long: ['zone'], value: '<number>' },
    meaning: 'zone of both directions',
  },
  {
    ...{ key: 'origZone', long: ['orig-zone'], value: '<number>' },
    meaning: 'zone of the original direction',
  },
  {
    ...{ key: 'replyZone', long: ['reply-zone'], value: '<number>' },
    meaning: 'zone of the reply direction',
  },
  {
    ...{ key: 'label', short: '-l', long: ['label'], value: '<list>' },
    meaning: 'labels: names of connlabel.conf or bits, all of them',
  },
  {
    ...{ key: 'srcNat', short: '-n', long: ['src-nat'], value: ADDRESS, isFlag: true },
    meaning: 'source NAT, to this address[:port] if one is given',
  },
  {
    ...{ key: 'dstNat', short: '-g', long: ['dst-nat'], value: ADDRESS, isFlag: true },
    meaning: 'destination NAT, to this address[:port] if one is given',
  },
  {
    ...{ key: 'anyNat', short: '-j', long: ['any-nat'], value: ADDRESS, isFlag: true },
    meaning: 'NAT of either kind',
  },
  {
    ...{ key: 'timeout', short: '-t', long: ['timeout'], value: '<seconds>' },
    meaning: 'seconds until it ends',
  },
  {
    ...{ key: 'labelAdd', long: ['label-add'], value: '<list>' },
    meaning: 'labels to set',
  },
  {
    ...{ key: 'labelDel', long: ['label-del'], value: '<list>', isFlag: true },
    meaning: 'labels to take away, all without a list',
  },
  {
    ...{ key: 'helper', long: ['helper'], value: '<name>' },
    meaning: 'helper of the entry, e.g. ftp',
  },
  {
    ...{ key: 'origVtag', long: ['orig-vtag'], value: '<number>' },
    meaning: 'SCTP: verification tag of the original direction',
  },
  {
    ...{ key: 'replyVtag', long: ['reply-vtag'], value: '<number>' },
    meaning: 'SCTP: verification tag of the reply direction',
  },
  {
    ...{ key: 'role', long: ['role'], value: '<client|server>' },
    meaning: 'DCCP: role of the original direction',
  },
] as const satisfies readonly EntryOption[];

export type EntryKey = (typeof ENTRY_OPTIONS)[number]['key'];
