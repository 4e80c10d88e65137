/**
 * Which rules of a chain can hold for a packet at all: those asking for exactly
 * its addresses or ports, and those that ask for nothing so exact. What is left
 * out is certain not to hold; the order of the chain is kept.
 */
import { hasPorts } from '../model/codes.ts';
import type { Field, Rule, Term } from '../model/ruleset.ts';
import type { Seen } from './asked.ts';
import { exactText } from './row-match.ts';

/** A rule that would stand under more keys than this is compared every time. */
const MANY_KEYS = 64;

const WAYS: readonly (readonly Field[])[] = [
  ['dst', 'protocol', 'dst_port'],
  ['src', 'protocol', 'src_port'],
  ['dst'],
  ['src'],
  ['protocol', 'dst_port'],
  ['protocol', 'src_port'],
];

export class ChainIndex {
  private readonly byKey = WAYS.map(() => new Map<string, number[]>());
  private readonly others: number[] = [];

  constructor(rules: readonly Rule[]) {
    for (const [index, rule] of rules.entries()) this.add(rule, index);
  }

  /** Places in the chain, from 0, ascending. */
  candidates(seen: Seen): readonly number[] {
    const lists = this.others.length > 0 ? [this.others] : [];
    for (const [way, map] of this.byKey.entries()) {
      if (map.size === 0) continue;
      const list = map.get(WAYS[way]!.map((field) => seen.text(field)).join(' '));
      if (list !== undefined) lists.push(list);
    }
    if (lists.length === 1) return lists[0]!;
    return merged(lists);
  }

  private add(rule: Rule, index: number): void {
    for (const [way, fields] of WAYS.entries()) {
      const keys = keysOf(rule.terms, fields);
      if (keys === undefined) continue;
      for (const key of keys) listOf(this.byKey[way]!, key).push(index);
      return;
    }
    this.others.push(index);
  }
}

/** Every text that the fields may have together if the rule holds; undefined: too many to list. */
function keysOf(terms: readonly Term[], fields: readonly Field[]): Set<string> | undefined {
  let keys = [''];
  for (const [place, field] of fields.entries()) {
    const values = valuesOf(terms, field);
    if (values === undefined || keys.length * values.length > MANY_KEYS) return undefined;
    // of a protocol without ports a rule reads other bytes: nothing is certain then
    if (field === 'protocol' && values.some((value) => !hasPorts(Number(value)))) return undefined;
    keys = keys.flatMap((key) => values.map((value) => (place === 0 ? value : `${key} ${value}`)));
  }
  return new Set(keys);
}

/** The only values of a field for which the terms can hold. */
function valuesOf(terms: readonly Term[], field: Field): readonly string[] | undefined {
  let fewest: readonly string[] | undefined;
  for (const term of terms) {
    if ('unknown' in term || term.not || term.any.length > MANY_KEYS) continue;
    const place = term.fields.indexOf(field);
    if (place < 0) continue;
    const values = term.any.map((row) => exactText(field, row[place]!));
    if (values.some((value) => value === undefined)) continue;
    if (fewest === undefined || values.length < fewest.length) fewest = values as string[];
  }
  return fewest;
}

function listOf(map: Map<string, number[]>, key: string): number[] {
  const known = map.get(key);
  if (known !== undefined) return known;
  const list: number[] = [];
  map.set(key, list);
  return list;
}

/** Ascending lists without a common element, as one. */
function merged(lists: readonly (readonly number[])[]): number[] {
  return lists.flat().sort((one, other) => one - other);
}
