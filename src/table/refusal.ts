/**
 * What the kernel means by refusing one entry, by what was asked for:
 * ctnetlink_create_conntrack() and ctnetlink_change_conntrack() of
 * nf_conntrack_netlink.c, nf_connlabels_replace() of nf_conntrack_labels.c.
 */
import { EntryHas, EntryWord } from '../model/entry-row.ts';
import { protocolAt } from './entry-nat.ts';
import { helperAt } from './show-text.ts';

export interface Refusal {
  readonly text: string;
  readonly hint?: string;
  /** The hint is a command for the namespace of the table. */
  readonly isForNetns?: true;
}

/** The row that was sent. */
interface Sent {
  readonly words: Int32Array;
  readonly at: number;
}

interface Reading {
  readonly errno: string;
  readonly kind?: 'insert' | 'update' | 'delete';
  /** Of these bits the row has one. */
  readonly has?: number;
  readonly when?: (sent: Sent) => boolean;
  readonly text: string;
  readonly hint?: string | ((sent: Sent) => string);
  readonly isForNetns?: true;
}

/** Entries have room for labels where a rule of their namespace uses them; this one is never run. */
export const LABELS_RULE = "nft 'table inet labels { chain unused { ct label set 1; }; }'";
const ZONES = EntryHas.zone | EntryHas.zoneOrig | EntryHas.zoneReply;
const MAPPED = EntryHas.srcNat | EntryHas.dstNat;

/** The first that fits. */
const READINGS: readonly Reading[] = [
  { errno: 'EEXIST', text: 'an entry has its original or its reply tuple already' },
  {
    ...{ errno: 'EINVAL', when: isIcmp, hint: 'for example --icmp-type 8' },
    text: 'conntrack has entries of ICMP for queries and their answers only, not for this type',
  },
  {
    ...{ errno: 'EINVAL', has: ZONES, when: hasZones, hint: 'for example -w 5' },
    text: 'an entry has one zone: of both directions or of one of them',
  },
  { errno: 'EINVAL', text: 'the kernel takes no such entry' },
  {
    ...{ errno: 'EOPNOTSUPP', kind: 'insert', has: EntryHas.helper, hint: moduleHint },
    text: 'no helper of that name is loaded for its protocol',
  },
  {
    ...{ errno: 'EOPNOTSUPP', has: EntryHas.helper, hint: moduleHint },
    text: 'no helper of that name is loaded for its protocol, or the entry was made without a helper: then it can never be given one',
  },
  {
    ...{ errno: 'EOPNOTSUPP', has: ZONES, hint: 'leave the zone out' },
    text: 'this kernel has no zones (CONFIG_NF_CONNTRACK_ZONES)',
  },
  {
    ...{ errno: 'EOPNOTSUPP', has: MAPPED, hint: 'modprobe nf_nat' },
    text: 'NAT is not loaded',
  },
  { errno: 'EOPNOTSUPP', text: 'this kernel does not support it' },
  {
    ...{
      errno: 'EBUSY',
      has: EntryHas.helper,
      hint: 'delete the entry, and insert it with --helper',
    },
    text: 'another helper is at work on it, or expected it',
  },
  { errno: 'EBUSY', kind: 'delete', text: 'a flowtable has it' },
  { errno: 'EBUSY', text: 'a bit of its status can be neither set nor taken back' },
  {
    ...{ errno: 'ENOSPC', has: EntryHas.labels, kind: 'update', hint: LABELS_RULE },
    isForNetns: true,
    text: 'the entry has no room for labels: no rule used labels when it was made',
  },
  {
    ...{ errno: 'ENOSPC', hint: 'sysctl net.netfilter.nf_conntrack_buckets, and more of them' },
    text: 'too many entries share its place in the hash table',
  },
  {
    errno: 'ENOMEM',
    text: 'the table is full',
    hint: 'sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max',
    isForNetns: true,
  },
  {
    ...{ errno: 'EPERM', kind: 'update', has: EntryHas.timeout },
    text: 'its timeout is fixed (FIXED_TIMEOUT)',
    hint: 'delete the entry, and insert it with another',
  },
  { errno: 'ERANGE', text: 'a value is larger than this kernel takes' },
  { errno: 'ETIME', text: 'it was ending' },
  { errno: 'ENOENT', text: 'there is no such entry' },
];

export function refusalOf(errno: string, kind: Reading['kind'] & string, sent: Sent): Refusal {
  const has = sent.words[sent.at + EntryWord.has]!;
  const found = READINGS.find(
    (one) =>
      one.errno === errno &&
      (one.kind ?? kind) === kind &&
      (one.has === undefined || (has & one.has) !== 0) &&
      (one.when?.(sent) ?? true),
  );
  if (found === undefined) return { text: errno };
  const { text, hint, isForNetns } = found;
  const said = `${text} (${errno})`;
  return hint === undefined
    ? { text: said }
    : {
        text: said,
        hint: typeof hint === 'string' ? hint : hint(sent),
        ...(isForNetns && { isForNetns }),
      };
}

function isIcmp({ words, at }: Sent): boolean {
  return [1, 58].includes(protocolAt(words, at));
}

function hasZones({ words, at }: Sent): boolean {
  const zones = words[at + EntryWord.has]! & ZONES;
  return (zones & (zones - 1)) !== 0;
}

/** Modules of helpers, nf_conntrack_ in front, by protocol. */
const MODULES: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  6: { ftp: 'ftp', irc: 'irc', pptp: 'pptp', sane: 'sane', sip: 'sip', 'Q.931': 'h323' },
  17: {
    ...{ amanda: 'amanda', 'netbios-ns': 'netbios_ns', RAS: 'h323', sip: 'sip' },
    ...{ snmp: 'snmp', tftp: 'tftp' },
  },
};

function moduleHint({ words, at }: Sent): string {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const name = helperAt(bytes, at);
  const modules = MODULES[protocolAt(words, at)];
  if (modules === undefined) return 'leave the helper out: those of the kernel are for tcp and udp';
  const known = Object.hasOwn(modules, name) ? modules[name] : undefined;
  if (known !== undefined) return `modprobe nf_conntrack_${known}`;
  return `one of its helpers: ${Object.keys(modules).join(', ')}`;
}
