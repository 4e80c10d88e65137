/** What is measured beside the traffic, as data. */

/** A program of empty.bpf.c at a place; `function` for the kprobe programs, which fit anywhere. */
export interface EmptyProgram {
  readonly program: string;
  readonly function?: string;
  /** Not where the kernel has this function: another program goes there. */
  readonly unless?: string;
}

/** A program of its own. In its words $OUT, $READY stand for files. */
export interface Command {
  readonly argv: readonly string[];
  /** Where it runs: namespaces as in the topology; absent: the first one. */
  readonly namespace?: 'router';
  /** It traces when this is so: it made $READY, it said that, or it wrote about a packet. */
  readonly ready: 'file' | 'packet' | { readonly says: string };
  /** It reads to the end by itself when interrupted; the others are let finish first. */
  readonly drains?: true;
  /** It looks for records without rest: it is quiet when it writes nothing. */
  readonly polls?: true;
  /** Where its records go: $OUT, or its standard output, one a line. */
  readonly output: 'file' | 'lines';
  /** Of its lines, those that are counted. */
  readonly record?: string;
  /** Such lines per packet, of one flow and of new flows. */
  readonly perPacket?: Readonly<Record<'one' | 'flows', number>>;
  /** Lines in which it owns up. */
  readonly loss: string;
}

export interface Subject {
  readonly name: string;
  readonly title: string;
  readonly empty?: readonly EmptyProgram[];
  readonly command?: Command;
}

const kprobe = (name: string): EmptyProgram => ({ program: 'on_entry', function: name });
const kretprobe = (name: string): EmptyProgram => ({ program: 'on_return', function: name });
const enter = (name: string): EmptyProgram => ({ program: `enter_${name}` });
const leave = (name: string): EmptyProgram => ({ program: `leave_${name}` });

/** As src/capture/wishes.ts has them for `--detail packets`. */
const ENTRY = [
  'nf_conntrack_free',
  'nf_ct_delete',
  'nft_nat_do_chain',
  '__nf_nat_alloc_null_binding',
];
/** The rule of the workload decides here: one function for each family, up to 6.1. */
const OLD_MASQUERADE = 'nft_masq_ipv4_eval';
const OLD_LAST_HOOK = 'ipv4_confirm';
const DROP: EmptyProgram = { program: 'on_drop' };

function empty(name: string, title: string, programs: readonly EmptyProgram[]): Subject {
  return { name, title, empty: programs };
}

const HOOK = 'nf_hook_slow';
const CONFIRM = '__nf_conntrack_confirm';
const SETUP = 'nf_nat_setup_info';

function entryAndReturn(name: string): EmptyProgram[] {
  return [kprobe(name), kretprobe(name)];
}

/** The price of one attach point, for those who ask; not in the table. */
export const PARTS: readonly Subject[] = [
  empty('fexit-hook', 'empty fexit on nf_hook_slow', [leave(HOOK)]),
  empty('fentry-hook', 'empty fentry on nf_hook_slow', [enter(HOOK)]),
  empty('fentry-fexit-hook', 'both of them', [enter(HOOK), leave(HOOK)]),
  empty('kprobe-hook', 'empty kprobe on nf_hook_slow', [kprobe(HOOK)]),
  empty('kretprobe-hook', 'kprobe, kretprobe on it', [kprobe(HOOK), kretprobe(HOOK)]),
  empty('kretprobe-drop', 'those, skb:kfree_skb', [kprobe(HOOK), kretprobe(HOOK), DROP]),
];

const EMPTY: readonly Subject[] = [
  empty('empty-fentry', 'empty fentry and fexit programs', [
    enter(HOOK),
    leave(OLD_LAST_HOOK),
    { ...leave('nf_confirm'), unless: OLD_LAST_HOOK },
    enter(CONFIRM),
    leave(CONFIRM),
    leave(SETUP),
    ...ENTRY.map(enter),
    enter(OLD_MASQUERADE),
    { ...enter('nft_masq_eval'), unless: OLD_MASQUERADE },
    DROP,
  ]),
  empty('empty-kprobe', 'empty kprobe and kretprobe programs', [
    kprobe(HOOK),
    ...entryAndReturn(OLD_LAST_HOOK),
    ...entryAndReturn('nf_confirm').map((one) => ({ ...one, unless: OLD_LAST_HOOK })),
    ...[CONFIRM, SETUP].flatMap(entryAndReturn),
    ...ENTRY.map(kprobe),
    kprobe(OLD_MASQUERADE),
    { ...kprobe('nft_masq_eval'), unless: OLD_MASQUERADE },
    DROP,
  ]),
];

const CONNTRAIL_WAY = {
  ready: 'file',
  drains: true,
  output: 'file',
  loss: 'complete|lost|balance',
} as const;

function conntrail(name: string, file: string, options: string): Subject {
  const argv = ['conntrail', 'record', '--ready-file', '$READY', '--out', `$OUT${file}`];
  const words = options.split(' ').filter(Boolean);
  return {
    name: `conntrail-${name}`,
    title: `conntrail ${[...words, '--out', file ? `FILE${file}` : 'FOLDER'].join(' ')}`,
    command: { argv: [...argv, ...words], ...CONNTRAIL_WAY },
  };
}

/** A row is left out where `conntrail record` does not know one of its options yet. */
const CONNTRAIL: readonly Subject[] = [
  conntrail('flows', '.parquet', '--detail flows --table flows'),
  conntrail('packets', '.parquet', '--detail packets'),
  conntrail('packets-arrow', '.arrow', '--detail packets'),
  conntrail('packets-capture', '.capture', '--detail packets'),
  conntrail('packets-kprobe', '.parquet', '--detail packets --backend kprobe'),
  conntrail('sampled', '.parquet', '--detail packets --sample 1/16'),
  conntrail('unmatched', '.parquet', '--detail packets --filter tcp'),
];

/** At default settings: a folder of all tables. */
export const WHOLE: Subject = conntrail('whole', '', '');

const TUPLE = `
  $skb = (struct sk_buff *)arg0;
  $ip = (struct iphdr *)($skb->head + $skb->network_header);
  $udp = (struct udphdr *)($skb->head + $skb->transport_header);`;
const WRITE = `
  printf("%llu %d NAME %p %s:%d %s:%d %d\\n", nsecs, cpu, arg0, ntop($ip->saddr),
    bswap($udp->source), ntop($ip->daddr), bswap($udp->dest), $ip->protocol);`;
const BPFTRACE = ['nf_conntrack_in', '__nf_conntrack_confirm']
  .map((name) => `kprobe:${name} {${TUPLE}${WRITE.replace('NAME', name)}\n}`)
  .join('\n');

const TRACED = `
  table ip traced {
    chain prerouting {
      type filter hook prerouting priority -350;
      udp dport 7000 meta nftrace set 1
    }
  }`;
const PWRU = ['$PWRU', '--filter-func', '^(nf_conntrack_in|__nf_conntrack_confirm)$'];
const PWRU_OPTIONS = ['--kmods', 'nf_conntrack', '--output-tuple', '--timestamp', 'absolute'];

const OTHERS: readonly Subject[] = [
  {
    name: 'bpftrace',
    title: 'bpftrace, a line for nf_conntrack_in and for confirm',
    command: {
      argv: ['bpftrace', '-e', BPFTRACE],
      ready: 'packet',
      output: 'lines',
      record: ' nf_conntrack_in | __nf_conntrack_confirm ',
      perPacket: { one: 1, flows: 2 },
      loss: 'Lost|lost',
    },
  },
  {
    name: 'conntrack',
    title: 'conntrack -E -o timestamp,id',
    command: {
      argv: ['conntrack', '-E', '-o', 'timestamp,id'],
      namespace: 'router',
      ready: 'packet',
      output: 'lines',
      record: 'NEW',
      perPacket: { one: 0, flows: 1 },
      loss: 'ENOBUFS|No buffer',
    },
  },
  {
    name: 'nft',
    title: 'nft monitor trace',
    command: {
      argv: ['sh', '-c', `echo '${TRACED}' | nft -f - && exec nft monitor trace`],
      namespace: 'router',
      ready: 'packet',
      output: 'lines',
      record: ' prerouting packet: ',
      perPacket: { one: 1, flows: 1 },
      loss: 'No buffer|lost|ENOBUFS',
    },
  },
  {
    name: 'tcpdump',
    title: 'tcpdump -i any -w FILE',
    command: {
      argv: ['tcpdump', '-i', 'any', '-n', '-s', '96', '-w', '$OUT.pcap', 'udp port 7000'],
      namespace: 'router',
      ready: { says: 'listening on' },
      output: 'file',
      loss: 'dropped by',
    },
  },
  {
    name: 'pwru',
    title: 'pwru, the same two functions',
    command: {
      argv: [...PWRU, ...PWRU_OPTIONS, 'udp port 7000'],
      ready: { says: 'istening' },
      polls: true,
      output: 'lines',
      record: 'nf_conntrack_in|__nf_conntrack_confirm',
      perPacket: { one: 1, flows: 2 },
      loss: 'lost|drop|miss|rror|nable',
    },
  },
];

export const NOTHING: Subject = { name: 'nothing', title: 'nothing attached' };

/** The rows of the table, in its order. */
export const SUBJECTS: readonly Subject[] = [NOTHING, ...EMPTY, ...CONNTRAIL, ...OTHERS];
