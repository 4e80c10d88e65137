/**
 * Lines of the kernel log about conntrack: what nf_l4proto_log_invalid() and
 * nf_ct_helper_log() write before the packet, which is in the form of nf_log_syslog.
 */
import { pairOf, shown, tokensOf } from './parse-tokens.ts';

/** A packet as the kernel's log shows it; empty where the line has none. */
export interface LoggedPacket {
  /** IN, OUT, SRC, DST, PROTO, SPT ... */
  readonly fields: ReadonlyMap<string, string>;
  /** SYN, ACK, DF ... */
  readonly flags: readonly string[];
}

const LOG_KINDS = [
  'refused packet', // nf_ct_proto_6: ...
  'helper', // nf_ct_ftp: dropping packet: ...
  'table full',
  'expectations full',
  'loaded', // nf_conntrack version 0.5.0 (65536 buckets, 262144 max)
  'helper assignment', // nf_conntrack: default automatic helper assignment ...
  'other', // conntrack's, but none of those
] as const;

export interface LogRecord {
  readonly kind: 'log';
  readonly about: (typeof LOG_KINDS)[number];
  /** IANA number; null: it tells none. */
  readonly protocol: number | null;
  /** Of a helper, its name. */
  readonly helper: string | null;
  /** The kernel's own words, without the packet. */
  readonly text: string;
  readonly packet: LoggedPacket;
}

/** Prefixes before 4.16 named the protocol. */
const OLD_NAMES: Readonly<Record<string, number>> = {
  tcp: 6,
  udp: 17,
  icmp: 1,
  icmpv6: 58,
  sctp: 132,
  dccp: 33,
  udplite: 136,
  gre: 47,
};
/** All words of one line; the first that fits. */
const WORDS: readonly (readonly [about: LogRecord['about'], words: readonly string[]])[] = [
  ['expectations full', ['_conntrack: ', 'expectation table full']],
  ['table full', ['_conntrack: ', 'table full', 'dropping packet']],
  ['loaded', ['nf_conntrack version ', ' buckets, ', ' max)']],
  ['helper assignment', ['nf_conntrack: ', 'automatic helper assignment']],
];
const MOST_TEXT = 200;

/** Undefined: no line about conntrack. */
export function logOf(line: string): LogRecord | undefined {
  const helped = HELPER.exec(line);
  if (helped !== null) return helperLog(helped[1]!, line.slice(helped.index + helped[0].length));
  const start = /\b(?:nf|ip)_(?:ct_[a-z0-9_]+|conntrack(?:_[a-z0-9_]+)?)(?: version|: ?)/.exec(
    line,
  );
  if (start === null) return undefined;
  const rest = line.slice(start.index);
  const found = WORDS.find(([, words]) => words.every((word) => rest.includes(word)));
  const known = { kind: 'log', protocol: null, helper: null, packet: NO_PACKET } as const;
  if (found !== undefined) return { ...known, about: found[0], text: shown(rest, MOST_TEXT) };
  const [, name = '', said = ''] = /^nf_ct_([a-z0-9_]+): ?(.*)$/.exec(rest) ?? [];
  if (name === '') return { ...known, about: 'other', text: shown(rest, MOST_TEXT) };
  const [text, packet] = packetOf(said);
  const number = /^proto_(\d{1,3})$/.exec(name)?.[1];
  const protocol = number === undefined ? (OLD_NAMES[name] ?? null) : Number(number);
  if (protocol !== null) return { ...known, about: 'refused packet', protocol, text, packet };
  return helperLog(name, said.replace(/^dropping packet: ?/, ''));
}

/** Since 7.x; `nf_ct_ftp: dropping packet: ` before. */
const HELPER = /\bhelper (\S{1,32}) dropping packet: ?/;

function helperLog(helper: string, said: string): LogRecord {
  const [text, packet] = packetOf(said);
  return { kind: 'log', about: 'helper', protocol: null, helper, text, packet };
}

const NO_PACKET: LoggedPacket = { fields: new Map(), flags: [] };

/** The packet begins with its interfaces; where somebody has cut them off, with its source. */
function packetOf(said: string): readonly [text: string, packet: LoggedPacket] {
  const start = /(?:^|\s)(?:IN=|OUT=|MAC=|SRC=)/.exec(said);
  if (start === null) return [shown(said.trim(), MOST_TEXT), NO_PACKET];
  const fields = new Map<string, string>();
  const flags: string[] = [];
  for (const token of tokensOf(said.slice(start.index))) {
    const pair = pairOf(token);
    if (pair === undefined) flags.push(token);
    else if (!fields.has(pair[0])) fields.set(...pair);
  }
  return [shown(said.slice(0, start.index).trim(), MOST_TEXT), { fields, flags }];
}
