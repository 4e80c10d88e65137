/**
 * --filter: a part of pcap-filter(7), as terms that all must hold. Text in,
 * terms out; terms to the bytes of `struct filter_terms` and back to text.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { filterTerms, filterTermsBytes } from '../wire/layout.ts';
import { type FilterWords, wordsOf } from './filter-words.ts';
import { type Prefix, parsePrefix, prefixText, writePrefix } from './prefix.ts';

/** Ports in host order; an absent term asks for nothing. */
export interface Filter {
  readonly family?: 4 | 6;
  readonly protocol?: number;
  readonly host?: Prefix;
  readonly srcHost?: Prefix;
  readonly dstHost?: Prefix;
  readonly port?: number;
  readonly srcPort?: number;
  readonly dstPort?: number;
}

type Side = '' | 'src' | 'dst';

const HOST_TERM = { '': 'host', src: 'srcHost', dst: 'dstHost' } as const;
const PORT_TERM = { '': 'port', src: 'srcPort', dst: 'dstPort' } as const;

/** A word that stands alone. icmp and icmp6 say their family, as in pcap-filter(7). */
const NAMED: Readonly<Record<string, Pick<Filter, 'family' | 'protocol'>>> = {
  ip: { family: 4 },
  ip6: { family: 6 },
  tcp: { protocol: 6 },
  udp: { protocol: 17 },
  sctp: { protocol: 132 },
  icmp: { family: 4, protocol: 1 },
  icmp6: { family: 6, protocol: 58 },
};
const PRIMITIVES = [...Object.keys(NAMED), 'proto', 'src', 'dst', 'host', 'net', 'port'];
const QUALIFIED = ['src', 'dst', 'host', 'net', 'port'];

/** Throws a usage error that names what was found, where, and what may stand there. */
export function parseFilter(text: string): Filter {
  const words = wordsOf(text);
  let filter: Filter = {};
  while (!words.isAtEnd) {
    const term = parseTerm(words);
    filter = merge(filter, term, words);
    if (words.isAtEnd) break;
    if (words.isNext(['and', '&&'])) {
      words.next();
      if (words.isAtEnd) throw words.unexpected(PRIMITIVES);
    } else if (!(isNamed(term) && words.isNext(QUALIFIED))) {
      throw words.unexpected(['and']);
    }
  }
  return filter;
}

function isNamed(term: Filter): boolean {
  return Object.keys(term).every((name) => name === 'family' || name === 'protocol');
}

function parseTerm(words: FilterWords): Filter {
  const word = words.next(PRIMITIVES);
  const named = NAMED[word];
  if (named !== undefined) return named;
  if (word === 'proto') return { protocol: parseProtocol(words) };
  if (word !== 'src' && word !== 'dst') return parseEnd(word, '', words);
  if (isIPv4(words.peek) || isIPv6(words.peek)) return parseEnd('host', word, words);
  return parseEnd(words.next(['host', 'net', 'port', 'an address']), word, words);
}

function parseEnd(what: string, side: Side, words: FilterWords): Filter {
  if (what === 'port') return { [PORT_TERM[side]]: parsePort(words) };
  if (what !== 'host' && what !== 'net')
    throw words.wrong(side === '' ? PRIMITIVES : ['host', 'net', 'port', 'an address']);
  const needed = what === 'host' ? 'an IPv4 or IPv6 address' : 'address/bits, such as 10.0.0.0/8';
  const found = parsePrefix(words.next([needed]), what === 'net');
  if (found === undefined) throw words.wrong([needed]);
  if (found === 'host bits') throw words.wrong([`${needed}, with no bits set behind the prefix`]);
  return { family: found.family, [HOST_TERM[side]]: found };
}

function parsePort(words: FilterWords): number {
  return parseNumber(words, 65535, ['a port from 1 to 65535']);
}

function parseProtocol(words: FilterWords): number {
  const protocol = NAMED[words.peek]?.protocol;
  if (protocol === undefined) return parseNumber(words, 255, ['a protocol number from 1 to 255']);
  words.next();
  return protocol;
}

function parseNumber(words: FilterWords, most: number, allowed: readonly string[]): number {
  const word = words.next(allowed);
  const value = Number(word);
  if (!/^\d+$/.test(word) || value < 1 || value > most) throw words.wrong(allowed);
  return value;
}

/** All terms must hold: a second value for the same one could never match. */
function merge(filter: Filter, term: Filter, words: FilterWords): Filter {
  for (const [name, value] of Object.entries(term)) {
    const known = filter[name as keyof Filter];
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(value)) {
      throw words.wrong([`no second ${CLASH[name as keyof Filter]}: all terms must hold at once`]);
    }
  }
  const merged = { ...filter, ...term };
  const hasPort = (merged.port ?? merged.srcPort ?? merged.dstPort) !== undefined;
  if (hasPort && (merged.protocol === 1 || merged.protocol === 58)) {
    throw words.wrong(['no port together with icmp']);
  }
  return merged;
}

const CLASH: Readonly<Record<keyof Filter, string>> = {
  family: 'address family',
  protocol: 'protocol',
  host: 'host or net without src or dst',
  srcHost: 'src host or net',
  dstHost: 'dst host or net',
  port: 'port without src or dst',
  srcPort: 'src port',
  dstPort: 'dst port',
};

/** The filter in the words of --filter; parsing it again gives the same terms. */
export function describeFilter(filter: Filter): string {
  const hosts = (['', 'src', 'dst'] as const).flatMap((side) => {
    const prefix = filter[HOST_TERM[side]];
    return prefix === undefined ? [] : [`${side} ${prefixText(prefix)}`.trim()];
  });
  const ports = (['', 'src', 'dst'] as const).flatMap((side) => {
    const port = filter[PORT_TERM[side]];
    return port === undefined ? [] : [`${side} port ${port}`.trim()];
  });
  return [...kindWords(filter, hosts.length > 0), ...hosts, ...ports].join(' and ');
}

function kindWords({ family, protocol }: Filter, hasHost: boolean): string[] {
  const both = Object.entries(NAMED).find(
    ([, named]) => named.protocol === protocol && (named.family ?? family) === family,
  );
  if (protocol !== undefined && both !== undefined) {
    const saysFamily = both[1].family !== undefined || family === undefined || hasHost;
    return saysFamily ? [both[0]] : [family === 4 ? 'ip' : 'ip6', both[0]];
  }
  const familyWord = family === undefined || hasHost ? [] : [family === 4 ? 'ip' : 'ip6'];
  return protocol === undefined ? familyWord : [...familyWord, `proto ${protocol}`];
}

/** `struct filter_terms` of bpf/record.h; a filter without terms is all zero: not active. */
export function encodeFilter(filter: Filter): Uint8Array {
  const bytes = new Uint8Array(filterTermsBytes);
  const view = new DataView(bytes.buffer);
  if (Object.keys(filter).length === 0) return bytes;
  bytes[filterTerms.active] = 1;
  bytes[filterTerms.family] = filter.family ?? 0;
  bytes[filterTerms.l4proto] = filter.protocol ?? 0;
  view.setUint16(filterTerms.port, filter.port ?? 0, true);
  view.setUint16(filterTerms.srcPort, filter.srcPort ?? 0, true);
  view.setUint16(filterTerms.dstPort, filter.dstPort ?? 0, true);
  const ends = [
    [filter.host, filterTerms.hasAddr, filterTerms.addr, filterTerms.addrMask],
    [filter.srcHost, filterTerms.hasSrc, filterTerms.src, filterTerms.srcMask],
    [filter.dstHost, filterTerms.hasDst, filterTerms.dst, filterTerms.dstMask],
  ] as const;
  for (const [prefix, has, address, mask] of ends) {
    if (prefix === undefined) continue;
    bytes[has] = 1;
    writePrefix(prefix, bytes, address, mask);
  }
  return bytes;
}
