/**
 * The counters of `conntrack -S` in words. Where each is added to was read in
 * nf_conntrack_core.c, nf_conntrack_expect.c and nf_conntrack_proto.c of 5.10 to 7.3.
 */

export interface CounterWords {
  /** What adds one. */
  readonly meaning: string;
  /** What to do when it grows; null: nothing. */
  readonly toDo: string | null;
  /** The kernel that keeps it no longer, `4.9`; null: all do. */
  readonly until: string | null;
  /** The first kernel that has it; null: all from 5.10 on. */
  readonly since: string | null;
}

const words = (meaning: string, toDo: string | null = null): CounterWords => ({
  ...{ meaning, toDo, until: null, since: null },
});
const until = (kernel: string, meaning: string): CounterWords => ({
  ...words(meaning),
  until: kernel,
});

const WHO = 'conntrail watch --failures names packet, cause and rival';

export const COUNTERS: Readonly<Record<string, CounterWords>> = {
  entries: words('entries of the namespace now: a size, no counter'),
  found: words(
    'NAT tried a tuple for a new flow and found it taken (before 4.9: each lookup that found an entry)',
    'many for each new flow: give NAT more addresses or ports',
  ),
  invalid: words(
    'a packet was refused as it fits no flow and may begin none: ct state invalid, it goes on without an entry and without NAT',
    `sysctl net.netfilter.nf_conntrack_log_invalid=255 logs most with their reason; conntrail watch --failures --refusals names all, also those refused without a word; packets out of window where only one direction passes: nf_conntrack_tcp_be_liberal=1`,
  ),
  insert: words('a program made an entry (conntrack -I, conntrackd); before 4.9, whoever made it'),
  insert_failed: words(
    'a new entry was thrown away at the last hook, with its packet: another flow had its tuple, or its chain was too long',
    `more source addresses or ports for NAT (random-fully helps where flows start together); ${WHO}`,
  ),
  drop: words(
    'conntrack dropped a packet: table full, no memory, a clash of two new flows, or a sequence number that could not be adjusted',
    `compare the number of entries with nf_conntrack_max; ${WHO}`,
  ),
  early_drop: words(
    'an entry that was not assured was evicted to make room: the table was full',
    'raise net.netfilter.nf_conntrack_max, or shorten timeouts; conntrack -L shows who fills it',
  ),
  error: words(
    'a packet of ICMP was refused: too short, bad checksum, unknown type, or an error about a flow that is not known',
    `harmless in small numbers; ${WHO}`,
  ),
  search_restart: words(
    'a lookup began again, as the table changed meanwhile',
    'harmless unless it grows with each packet: then raise nf_conntrack_buckets',
  ),
  clash_resolve: words(
    'two packets of one new flow were on their way together (two queries of DNS from one socket): both went on',
    null,
  ),
  chaintoolong: {
    ...words(
      'a new entry was refused as too many share its place in the hash table',
      'raise net.netfilter.nf_conntrack_buckets',
    ),
    since: '5.15',
  },
  expect_new: words('a flow came that a helper had announced'),
  expect_create: words('a helper or a program announced a flow to come'),
  expect_delete: words('such an announcement was fulfilled, timed out or was taken back'),
  searched: until('4.9', 'entries that lookups compared'),
  new: until('4.9', 'entries made for packets'),
  delete: until('4.9', 'entries that were deleted'),
  delete_list: until('4.9', 'entries put on the list of those that are dying'),
  ignore: until('5.10', 'packets that had an entry already, or must not be tracked'),
};

/** Names of /proc/net/stat/nf_conntrack and of older conntrack, by those of today. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  icmp_error: 'error',
  clashres: 'clash_resolve',
  chainlength: 'chaintoolong',
};

/** Those that matter most first; of names that are not known, those. */
export function byImportance(a: string, b: string): number {
  const rank = (name: string): number => {
    const place = NAMES.indexOf(name);
    return place < 0 ? NAMES.length : place;
  };
  return rank(a) - rank(b);
}

const NAMES = Object.keys(COUNTERS);

export function counterWords(name: string): CounterWords | undefined {
  const own = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name]! : name;
  return Object.hasOwn(COUNTERS, own) ? COUNTERS[own] : undefined;
}

/** `the kernel counts it no longer since 4.9`; empty for those of all kernels. */
export function ageText({ until: last, since }: CounterWords): string {
  if (last !== null) return `obsolete: the kernel counts it no longer, since ${last}`;
  return since === null ? '' : `since ${since}`;
}
