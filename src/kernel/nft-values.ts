/** Values, sets and maps of nft's JSON as rows of intervals. */
import type { Field, Interval } from '../model/ruleset.ts';
import { addressInterval, prefixInterval } from './address-range.ts';
import { formOf, type Json, type NftTable, words } from './nft-json.ts';
import type { Key } from './nft-keys.ts';
import { protocolNumber } from './protocol-numbers.ts';

export type Row = readonly Interval[];

/** An element of a map: its key and what it maps to. */
export type Pair = readonly [key: unknown, data: unknown];

/** With an element as it stands in the listing; sets that change with the packets are not evaluated. */
export interface Elements {
  readonly elements: readonly unknown[];
  readonly isFixed: boolean;
}

const FAMILIES: Readonly<Record<string, string>> = { ipv4: '4', ip: '4', ipv6: '6', ip6: '6' };
const STATES = ['invalid', 'established', 'related', 'new', 'untracked'];
/** What an element may carry without becoming a condition. */
const PLAIN_ELEMENT = new Set(['val', 'comment', 'counter']);

/** What a match may compare with: one row per value; undefined: not evaluated. */
export function rowsOf(
  keys: readonly Key[],
  value: unknown,
  table: NftTable,
): readonly Row[] | undefined {
  const set = elementsOf(value, table);
  if (set?.isFixed === false) return undefined;
  const rows = (set?.elements ?? [value]).map((element) => rowOf(keys, element));
  return rows.every((row) => row !== undefined) ? rows : undefined;
}

/** Of `{ … }` or `@name`; undefined for a plain value. */
function elementsOf(value: unknown, table: NftTable): Elements | undefined {
  const [form, body] = formOf(value);
  if (form === 'set') return { elements: Array.isArray(body) ? body : [body], isFixed: true };
  if (typeof value !== 'string' || !value.startsWith('@')) return undefined;
  const name = value.slice(1);
  const set = table.sets.get(name);
  if (set === undefined) return { elements: [], isFixed: false };
  const flags = words(set.flags);
  const isChanging = table.changing.has(name) || set.timeout !== undefined;
  return {
    elements: set.elem ?? [],
    isFixed: !isChanging && !flags.includes('dynamic') && !flags.includes('timeout'),
  };
}

/** Those of a map, `*` behind all others; undefined: not a map. */
export function pairsOf(
  value: unknown,
  table: NftTable,
): { pairs: readonly Pair[]; isFixed: boolean } | undefined {
  const map = elementsOf(value, table);
  if (map === undefined) return undefined;
  const pairs = map.elements as readonly Pair[];
  const isRest = ([key]: Pair): boolean => bareValue(key) === '*';
  return {
    pairs: [...pairs.filter((pair) => !isRest(pair)), ...pairs.filter(isRest)],
    isFixed: map.isFixed,
  };
}

/** One interval per key; undefined: an element that is not evaluated. */
export function rowOf(keys: readonly Key[], element: unknown): Row | undefined {
  const value = bareValue(element);
  const [form, body] = formOf(value);
  const parts = form === 'concat' ? (body as readonly unknown[]) : [value];
  const row = keys.map((key, index) => {
    const part = value === '*' ? '*' : parts[index];
    return part === '*' ? key.all : intervalOf(key.field, part);
  });
  const isWhole = value === '*' || parts.length === keys.length;
  return isWhole && row.every((interval) => interval !== undefined) ? row : undefined;
}

/** An element without its counter and comment; undefined: it carries a condition. */
export function bareValue(element: unknown): unknown {
  const [form, body] = formOf(element);
  if (form !== 'elem') return element;
  return Object.keys(body as Json).every((name) => PLAIN_ELEMENT.has(name))
    ? (body as Json).val
    : undefined;
}

/** A value, a prefix or a range; undefined: none that this field can have. */
export function intervalOf(field: Field, value: unknown): Interval | undefined {
  const [form, body] = formOf(value);
  if (form === 'prefix') {
    const { addr, len } = body as Json;
    return prefixInterval(String(addr), Number(len));
  }
  if (form === 'range') {
    const [first, last] = (body as readonly unknown[]).map((end) => scalarOf(field, end));
    return first === undefined || last === undefined ? undefined : [first, last];
  }
  const single = scalarOf(field, value);
  return single === undefined ? undefined : [single, single];
}

function scalarOf(field: Field, value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  switch (field) {
    case 'src':
    case 'dst':
      return addressInterval(String(value))?.[0];
    case 'src_port':
    case 'dst_port':
    case 'mark':
    case 'ct_mark':
      return numberText(value);
    case 'protocol':
      return protocolNumber(value);
    case 'family':
      return FAMILIES[value];
    case 'in':
    case 'out':
      return interfaceName(value);
    case 'state':
      return STATES.find((state) => state === value);
    case 'src_type':
    case 'dst_type':
      return typeof value === 'string' ? value : undefined;
  }
}

function numberText(value: string | number): string | undefined {
  const number = Number(value);
  return Number.isInteger(number) ? String(number) : undefined;
}

/** A number is the index of an interface that has no name now; `\*` a star of the name's own. */
function interfaceName(value: string | number): string | undefined {
  const isPlain = typeof value === 'string' && !/\*.|\\/.test(value);
  return isPlain ? value : undefined;
}
