/**
 * Which packets are alike to the rules of a hook: those that differ only in
 * what no rule asks for, or not across an end of any interval that one does.
 * What rules say of one of them they say of all.
 */
import { addressValue } from '../model/address.ts';
import { hasPorts } from '../model/codes.ts';
import type { Action, Field, Interval, Rule } from '../model/ruleset.ts';
import type { Asked } from './asked.ts';
import { typeTruth } from './row-match.ts';

/** So many texts of addresses are remembered. */
const MAX_KNOWN = 4096;
/** The others are told from each other by none: see typeTruth. */
const TYPES = ['local', 'multicast', 'broadcast', 'unicast'] as const;

export class Alike {
  private readonly fields: ReadonlySet<Field>;
  private readonly src: Addresses;
  private readonly dst: Addresses;
  private readonly srcPort: Cuts<number>;
  private readonly dstPort: Cuts<number>;

  constructor(rules: readonly Rule[]) {
    const asked = rules.flatMap(intervalsOf);
    const of = (name: Field): Interval[] =>
      asked.flatMap(({ field, interval }) => (field === name && interval ? [interval] : []));
    this.fields = new Set(asked.map(({ field }) => field));
    this.src = new Addresses(of('src'));
    this.dst = new Addresses(of('dst'));
    this.srcPort = portCuts(of('src_port'));
    this.dstPort = portCuts(of('dst_port'));
  }

  /** Equal keys, equal outcomes; of packets of one hook and family. */
  keyOf(asked: Asked): string {
    const { fields } = this;
    const { protocol, srcPort, dstPort } = asked;
    let key = `${protocol} ${asked.mark} ${asked.markMask} ${asked.ctMark}`;
    if (fields.has('state')) key += ` ${asked.state}`;
    if (fields.has('in')) key += ` i${asked.in}`;
    if (fields.has('out')) key += ` o${asked.out}`;
    if (fields.has('src')) key += ` ${this.src.placeOf(asked.src)}`;
    if (fields.has('dst')) key += ` ${this.dst.placeOf(asked.dst)}`;
    if (hasPorts(protocol)) {
      if (fields.has('src_port')) key += ` ${this.srcPort.placeOf(srcPort)}`;
      if (fields.has('dst_port')) key += ` ${this.dstPort.placeOf(dstPort)}`;
    }
    if (fields.has('src_type')) key += TYPES.map((type) => typeTruth(asked, 'src', type)).join();
    if (fields.has('dst_type')) key += TYPES.map((type) => typeTruth(asked, 'dst', type)).join();
    return key;
  }
}

interface Wanted {
  readonly field: Field;
  readonly interval?: Interval;
}

/** Everything that a rule asks of a packet; a field without rows is asked for all the same. */
function intervalsOf({ terms, actions }: Rule): Wanted[] {
  const known = terms.flatMap((term) => ('unknown' in term ? [] : [term]));
  return [
    ...known.flatMap(({ fields, any }) => wantedOf(fields, any)),
    ...actions.flatMap(ofAction),
  ];
}

function ofAction(action: Action): Wanted[] {
  if (action.does !== 'nat map' && action.does !== 'verdict map') return [];
  const { fields, elements } = action;
  if (fields === null || elements === null) return [];
  const keys = elements.map(({ key }) => key);
  return action.does === 'nat map'
    ? wantedOf(fields, keys)
    : [...wantedOf(fields, keys), ...action.elements.flatMap((one) => ofAction(one.action))];
}

function wantedOf(fields: readonly Field[], rows: readonly (readonly Interval[])[]): Wanted[] {
  return fields.flatMap((field, place): Wanted[] => [
    { field },
    ...rows.flatMap((row) => (row[place] === undefined ? [] : [{ field, interval: row[place] }])),
  ]);
}

/** Values in order, each the first of those that are alike. */
class Cuts<Value extends number | bigint> {
  private readonly starts: readonly Value[];

  constructor(starts: readonly Value[]) {
    this.starts = [...new Set(starts)].sort((a, b) => (a < b ? -1 : 1));
  }

  /** How many of them are not above the value. */
  placeOf(value: Value): number {
    let [low, high] = [0, this.starts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.starts[middle]! <= value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function portCuts(intervals: readonly Interval[]): Cuts<number> {
  const ends = intervals.flatMap(([first, last]) => [Number(first), Number(last) + 1]);
  return new Cuts(ends.filter((value) => !Number.isNaN(value)));
}

/** IPv4 and IPv6 each by themselves; a text that is no address is like itself alone. */
class Addresses {
  private readonly four: Cuts<number>;
  private readonly six: Cuts<bigint>;
  private known = new Map<string, string>();

  constructor(intervals: readonly Interval[]) {
    const four: number[] = [];
    const six: bigint[] = [];
    for (const [first, last] of intervals) {
      const [low, high] = [addressValue(first), addressValue(last)];
      if (low === undefined || high === undefined) continue;
      if (typeof low === 'number') four.push(low, Number(high) + 1);
      else six.push(low, BigInt(high) + 1n);
    }
    this.four = new Cuts(four);
    this.six = new Cuts(six);
  }

  placeOf(text: string): string {
    const known = this.known.get(text);
    if (known !== undefined) return known;
    if (this.known.size >= MAX_KNOWN) this.known = new Map();
    const place = this.find(text);
    this.known.set(text, place);
    return place;
  }

  private find(text: string): string {
    const value = addressValue(text);
    if (value === undefined) return text;
    return typeof value === 'number'
      ? `${this.four.placeOf(value)}`
      : `v6:${this.six.placeOf(value)}`;
  }
}
