/**
 * An expression of pcap-filter(7) as terms about a flow: conjunctions of
 * primitives, and of brackets that hold alternatives of one kind. undefined
 * for everything else, right or wrong: libpcap judges that.
 */
import { isIPv4, isIPv6 } from 'node:net';
import {
  type FlowTerms,
  fitFlowTerms,
  HOST_TERM,
  NAMED,
  PORT_TERM,
  type PortRange,
} from './flow-terms.ts';
import { type Prefix, parsePrefix } from './prefix.ts';

type Side = keyof typeof HOST_TERM;
type Name = keyof FlowTerms;

const QUALIFIED = ['src', 'dst', 'host', 'net', 'port', 'portrange', 'proto'];

/** Not an expression about flows: ends the parser. */
class Otherwise extends Error {}

class Parser {
  private readonly words: readonly string[];
  private at = 0;
  /** What an abbreviated alternative repeats: `port` in `port 80 or 443`. */
  private repeated: ((word: string) => FlowTerms) | undefined;

  constructor(text: string) {
    this.words = text.match(/[()]|&&|\|\||[^\s()&|]+/g) ?? [];
  }

  whole(): FlowTerms {
    if (this.words.length === 0) return {};
    let terms = this.peek === '(' ? this.conjunct() : this.primitive();
    if (['or', '||'].includes(this.peek)) {
      terms = this.alternatives(terms); // without brackets only where nothing else stands
      if (this.at < this.words.length) throw new Otherwise();
    }
    while (this.at < this.words.length) {
      if (!this.take('and', '&&')) throw new Otherwise();
      terms = both(terms, this.conjunct());
    }
    return terms;
  }

  private conjunct(): FlowTerms {
    if (!this.take('(')) return this.primitive();
    const terms = this.alternatives(this.primitive());
    if (!this.take(')')) throw new Otherwise();
    return terms;
  }

  /** What `or` joins to the first. */
  private alternatives(first: FlowTerms): FlowTerms {
    let terms = first;
    while (this.take('or', '||')) terms = either(terms, this.alternative());
    return terms;
  }

  private alternative(): FlowTerms {
    if (this.repeated === undefined || !/^[0-9a-f]*[.:\d]/i.test(this.peek))
      return this.primitive();
    return this.repeated(this.next());
  }

  /** `tcp`, `port 80`, or both as in `tcp port 80`. */
  private primitive(): FlowTerms {
    this.repeated = undefined;
    const named = NAMED[this.peek];
    if (named !== undefined) this.at++;
    if (named !== undefined && !QUALIFIED.includes(this.peek)) return named;
    return this.qualified(named ?? {});
  }

  private qualified(named: FlowTerms): FlowTerms {
    const side: Side = this.take('src') ? 'src' : this.take('dst') ? 'dst' : '';
    const isBare = side !== '' && (isIPv4(this.peek) || isIPv6(this.peek));
    const what = isBare ? 'host' : this.next();
    const isProtocol = what === 'proto' && side === '';
    this.repeated = (word) => both(named, isProtocol ? protocolOf(word) : endOf(side, what, word));
    return this.repeated(this.next());
  }

  private get peek(): string {
    return this.words[this.at] ?? '';
  }

  private next(): string {
    const word = this.words[this.at++];
    if (word === undefined) throw new Otherwise();
    return word;
  }

  private take(...words: readonly string[]): boolean {
    const isThere = words.includes(this.peek);
    if (isThere) this.at++;
    return isThere;
  }
}

export function parseFlowTerms(text: string): FlowTerms | undefined {
  try {
    const terms = consistent(new Parser(text).whole());
    return fitFlowTerms(terms) ? terms : undefined;
  } catch (error) {
    if (error instanceof Otherwise) return undefined;
    throw error;
  }
}

function endOf(side: Side, what: string, word: string): FlowTerms {
  if (what === 'port' || what === 'portrange')
    return { [PORT_TERM[side]]: [parsePorts(word, what === 'portrange')] };
  if (what !== 'host' && what !== 'net') throw new Otherwise();
  const prefix = parsePrefix(word, what === 'net');
  if (prefix === undefined || prefix === 'host bits') throw new Otherwise();
  return { [HOST_TERM[side]]: [prefix] };
}

function protocolOf(word: string): FlowTerms {
  const named = NAMED[word.replace(/^\\/, '')];
  if (named?.protocol !== undefined) return named;
  return { protocol: [{ number: parseWhole(word, 255) }] };
}

/** All terms of both: no term may stand in both with other values. */
function both(left: FlowTerms, right: FlowTerms): FlowTerms {
  for (const name of Object.keys(left) as Name[]) {
    const again = right[name];
    if (again !== undefined && !isSame(left[name], again)) throw new Otherwise();
  }
  return { ...left, ...right };
}

/** One list of alternatives: the other terms, if any, are the same in both. */
function either(left: FlowTerms, right: FlowTerms): FlowTerms {
  const names = Object.keys(left) as Name[];
  if (!isSame(names, Object.keys(right))) throw new Otherwise();
  const other = names.filter((name) => !isSame(left[name], right[name]));
  const [name] = other;
  if (name === undefined) return left;
  if (other.length > 1 || name === 'family') throw new Otherwise();
  return { ...left, [name]: [...left[name]!, ...right[name]!] };
}

/** What could never match, or not as libpcap means it, is left to libpcap. */
function consistent(terms: FlowTerms): FlowTerms {
  const hosts: readonly Prefix[] = [terms.host, terms.srcHost, terms.dstHost].flatMap(
    (list) => list ?? [],
  );
  const isPorted = (terms.port ?? terms.srcPort ?? terms.dstPort) !== undefined;
  const families = new Set([
    ...hosts.map(({ family }) => family),
    ...(terms.protocol ?? []).flatMap(({ family }) => family ?? []),
    ...(terms.family === undefined ? [] : [terms.family]),
  ]);
  const isMixed =
    families.size > 1 && (terms.family !== undefined || terms.protocol?.some((p) => p.family));
  const isIcmp = terms.protocol?.some(({ number }) => number === 1 || number === 58) ?? false;
  if ((isMixed && hosts.length > 0) || (isPorted && isIcmp)) throw new Otherwise();
  if (isMixed && terms.family !== undefined) throw new Otherwise();
  if (terms.family === undefined || hosts.length === 0) return terms;
  const { family: _, ...rest } = terms; // the addresses say it
  return rest;
}

function parsePorts(word: string, isRange: boolean): PortRange {
  const [first = '', last, ...more] = word.split('-');
  if (isRange !== (last !== undefined) || more.length > 0) throw new Otherwise();
  const range = { first: parseWhole(first, 65535), last: parseWhole(last ?? first, 65535) };
  return range.first <= range.last ? range : { first: range.last, last: range.first };
}

function parseWhole(word: string, most: number): number {
  const value = Number(word);
  if (!/^\d{1,5}$/.test(word) || value < 1 || value > most) throw new Otherwise();
  return value;
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
