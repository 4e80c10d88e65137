/** What an expression of nft's JSON looks at, as a field, and what it asks beside. */
import type { Field, Interval, Term } from '../model/ruleset.ts';
import { formOf, type Json, words } from './nft-json.ts';

export interface Key {
  readonly field: Field;
  /** Of a mark: compared after `& mask`. */
  readonly mask?: number;
  /** What `*` in a set stands for; absent where it has no ends. */
  readonly all?: Interval;
}

const PORTS = { all: ['0', '65535'] } as const;
const IPV4 = { all: ['0.0.0.0', '255.255.255.255'] } as const;
const IPV6 = { all: ['::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'] } as const;
const BYTE = { all: ['0', '255'] } as const;
const WORD = { all: ['0', '4294967295'] } as const;
const NAME = { all: ['*', '*'] } as const;

/** By form and name, as nft(8) has them. */
const KEYS: Readonly<Record<string, Key>> = {
  'ip saddr': { field: 'src', ...IPV4 },
  'ip daddr': { field: 'dst', ...IPV4 },
  'ip6 saddr': { field: 'src', ...IPV6 },
  'ip6 daddr': { field: 'dst', ...IPV6 },
  'ip protocol': { field: 'protocol', ...BYTE },
  'ip6 nexthdr': { field: 'protocol', ...BYTE },
  'meta iifname': { field: 'in', ...NAME },
  'meta iif': { field: 'in', ...NAME },
  'meta oifname': { field: 'out', ...NAME },
  'meta oif': { field: 'out', ...NAME },
  'meta l4proto': { field: 'protocol', ...BYTE },
  'meta nfproto': { field: 'family' },
  'meta protocol': { field: 'family' },
  'meta mark': { field: 'mark', ...WORD },
  'ct mark': { field: 'ct_mark', ...WORD },
  'ct state': { field: 'state' },
  'fib daddr type': { field: 'dst_type' },
  'fib saddr type': { field: 'src_type' },
};

/** Protocols with ports; `th` is whichever of them the packet has. */
const TRANSPORTS: Readonly<Record<string, string>> = {
  tcp: '6',
  udp: '17',
  dccp: '33',
  sctp: '132',
  udplite: '136',
};

/** What reading a header asks for by itself (nft: proto.c); th asks for nothing. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  ...TRANSPORTS,
  icmp: '1',
  igmp: '2',
  esp: '50',
  ah: '51',
  icmpv6: '58',
};
const FAMILIES: Readonly<Record<string, string>> = { ip: '4', ip6: '6' };

/** Undefined: an expression that is not evaluated. */
export function keyOf(expression: unknown): Key | undefined {
  const [form, body] = formOf(expression);
  if (form === '&') return maskedKey(body as readonly unknown[]);
  const { protocol, field, key, dir, flags, result } = (body ?? {}) as Json;
  if (form === 'fib') return KEYS[`fib ${words(flags).join(' ')} ${result}`];
  if ((form === 'meta' || form === 'ct') && dir === undefined) return KEYS[`${form} ${key}`];
  if (form !== 'payload') return undefined;
  const isPort = field === 'sport' || field === 'dport';
  if (isPort && (protocol === 'th' || TRANSPORTS[String(protocol)] !== undefined)) {
    return { field: field === 'sport' ? 'src_port' : 'dst_port', ...PORTS };
  }
  return KEYS[`${protocol} ${field}`];
}

function maskedKey([left, mask]: readonly unknown[]): Key | undefined {
  const key = keyOf(left);
  const isMark = key?.field === 'mark' || key?.field === 'ct_mark';
  if (!isMark || key.mask !== undefined || typeof mask !== 'number') return undefined;
  return { ...key, mask };
}

/** Of a concatenation or of one expression; undefined where one of them is not evaluated. */
export function keysOf(expression: unknown): Key[] | undefined {
  const keys = partsOf(expression).map(keyOf);
  return keys.every((key) => key !== undefined) ? keys : undefined;
}

export function partsOf(expression: unknown): readonly unknown[] {
  const [form, body] = formOf(expression);
  return form === 'concat' ? (body as readonly unknown[]) : [expression];
}

/** Protocol and, in family inet, address family that the packet must have for it to be read. */
export function impliedTerms(expression: unknown, family: string): Term[] {
  const [form, body] = formOf(expression);
  if (form === 'concat' || form === '&') {
    return (body as readonly unknown[]).flatMap((part) => impliedTerms(part, family));
  }
  if (form === 'jhash') return impliedTerms((body as Json).expr, family);
  if (form !== 'payload') return [];
  const header = String((body as Json).protocol);
  const protocol = PROTOCOLS[header];
  if (protocol !== undefined) return [{ fields: ['protocol'], any: [[[protocol, protocol]]] }];
  return family === 'inet' ? familyTerm(header) : [];
}

/** `ip` or `ip6`; nothing for any other word. */
export function familyTerm(word: string): Term[] {
  const family = FAMILIES[word];
  return family === undefined ? [] : [{ fields: ['family'], any: [[[family, family]]] }];
}
