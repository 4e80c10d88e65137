/** Rules made ready to be asked many times. */
import type { HookName } from '../model/codes.ts';
import type { Action, Chain, Rule } from '../model/ruleset.ts';
import type { Seen, Truth } from './asked.ts';
import { ChainIndex } from './chain-index.ts';
import { allOf, type Test } from './row-match.ts';
import { RowTable } from './row-table.ts';
import { termTest } from './term-test.ts';

export interface CompiledRule {
  readonly rule: Rule;
  readonly tests: readonly Test[];
  /** By place of the action: the keys of its map, where they can be evaluated. */
  readonly maps: readonly (RowTable | undefined)[];
}

export interface CompiledChain {
  readonly chain: Chain;
  readonly rules: readonly CompiledRule[];
  candidates(seen: Seen): readonly number[];
}

/** Shorter chains are walked rule by rule. */
const LONG_CHAIN = 8;

export function ruleTruth({ tests }: CompiledRule, seen: Seen): Truth {
  return allOf(tests, seen);
}

export function compileChain(chain: Chain, indexFrom = LONG_CHAIN): CompiledChain {
  const rules = chain.rules.map(compileRule);
  const all = rules.map((_, index) => index);
  const index = rules.length < indexFrom ? undefined : new ChainIndex(chain.rules);
  return {
    chain,
    rules,
    candidates: (seen) => (index === undefined ? all : index.candidates(seen)),
  };
}

function compileRule(rule: Rule): CompiledRule {
  return { rule, tests: rule.terms.map(termTest), maps: rule.actions.map(mapTable) };
}

function mapTable(action: Action): RowTable | undefined {
  if (action.does !== 'nat map' && action.does !== 'verdict map') return undefined;
  if (action.fields === null || action.elements === null) return undefined;
  return new RowTable(
    action.fields,
    action.elements.map(({ key }) => key),
  );
}

/** Names of chains are unique within a table of one backend and family. */
export function chainKey(chain: Chain, name = chain.name): string {
  return `${chain.backend} ${chain.family} ${chain.table} ${name}`;
}

/** A base chain of type nat at a hook, for packets of a family? */
export function isAskedAt({ base, family: own }: Chain, hook: HookName, family: 4 | 6): boolean {
  const isFamily = own === 'inet' || own === (family === 4 ? 'ip' : 'ip6');
  return isFamily && base?.type === 'nat' && base.hook === hook;
}

/** Chains and those that they lead to, each once. */
export function reachedFrom(
  chains: readonly CompiledChain[],
  chainOf: (from: Chain, name: string) => CompiledChain | undefined,
): readonly CompiledChain[] {
  const reached = new Set(chains);
  for (const { chain } of reached) {
    for (const name of chain.rules.flatMap(({ actions }) => actions.flatMap(ledTo))) {
      const next = chainOf(chain, name);
      if (next !== undefined) reached.add(next);
    }
  }
  return [...reached];
}

function ledTo(action: Action): readonly string[] {
  if (action.does === 'jump' || action.does === 'goto') return [action.chain];
  return action.does === 'verdict map' ? action.elements.flatMap((one) => ledTo(one.action)) : [];
}
