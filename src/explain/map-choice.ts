/** What a rule's statement comes to for one packet: its targets, or the elements of its map. */
import { addressValue } from '../model/address.ts';
import type { Action, Rule, Target } from '../model/ruleset.ts';
import type { Seen } from './asked.ts';
import type { CompiledRule } from './compiled.ts';
import type { Hit } from './row-table.ts';

export function chosenTargets(
  { rule, maps }: CompiledRule,
  action: Action,
  place: number,
  seen: Seen,
): { readonly targets: readonly Target[]; readonly isSure: boolean } {
  if (action.does === 'nat') return ofFamily([action], true, seen);
  if (action.does !== 'nat map') return { targets: [], isSure: false };
  const { elements, targets } = action;
  const table = maps[place];
  if (elements === null || table === undefined) {
    return ofFamily(targets, coversAll(rule, targets.length), seen);
  }
  const hit = table.find(seen);
  const rows = rowsOf(hit).map((row) => elements[row]!.to);
  return ofFamily(rows, hit.first >= 0, seen);
}

export function chosenElements(
  { rule, maps }: CompiledRule,
  action: Action,
  place: number,
  seen: Seen,
): { readonly actions: readonly Action[]; readonly isSure: boolean } {
  if (action.does !== 'verdict map') return { actions: [], isSure: false };
  const { elements } = action;
  const table = maps[place];
  if (table === undefined) {
    const actions = elements.map((element) => element.action);
    return { actions, isSure: coversAll(rule, elements.length) };
  }
  const hit = table.find(seen);
  return { actions: rowsOf(hit).map((row) => elements[row]!.action), isSure: hit.first >= 0 };
}

function rowsOf({ first, maybe }: Hit): readonly number[] {
  return first < 0 ? maybe : [...maybe, first];
}

/** A statement of a table inet passes over packets of the other family (nft_nat_inet_eval). */
function ofFamily(targets: readonly Target[], isSure: boolean, seen: Seen) {
  const own = targets.filter((target) => isTargetOf(target, seen.asked.family));
  return { targets: own, isSure: isSure && own.length === targets.length };
}

function isTargetOf({ addresses }: Target, family: 4 | 6): boolean {
  const first = addresses?.[0]?.[0];
  const value = first === undefined ? undefined : addressValue(first);
  return value === undefined || (typeof value === 'bigint') === (family === 6);
}

/**
 * Does a map whose key cannot be evaluated have an element for every key, as
 * `numgen random mod 3 vmap { 0 : …, 1 : …, 2 : … }` has?
 */
function coversAll({ text }: Rule, elements: number): boolean {
  const modulus = /\b(?:numgen (?:random|inc)|jhash .*|symhash) mod (\d+)\b/.exec(text)?.[1];
  return modulus !== undefined && elements > 0 && elements === Number(modulus);
}
