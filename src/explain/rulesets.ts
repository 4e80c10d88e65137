/**
 * Rows of the table `rules` back to rulesets: per namespace one for each time
 * between two changes, so that rules that were not loaded together are never
 * held against one packet together.
 */
import type { Action, Chain, Rule, Ruleset } from '../model/ruleset.ts';
import { chainKey } from './compiled.ts';
import type { RuleRow } from './rule-rows.ts';

/** The rules of one namespace as they were from `from` up to `until`, ns since 1970. */
export interface Loaded {
  readonly netns: number;
  readonly from: number;
  readonly until: number;
  readonly ruleset: Ruleset;
  readonly rowOf: ReadonlyMap<Rule, RuleRow>;
}

/** So many changes of a namespace are told apart, the last ones. */
const MAX_CHANGES = 256;

/** By namespace, in order of time; the first begins with the trace, if all changes could be kept; the last ends with it. */
export function rulesetsOf(rows: readonly RuleRow[]): Map<number, Loaded[]> {
  const byNetns = new Map<number, RuleRow[]>();
  for (const row of rows) {
    const known = byNetns.get(row.netns);
    if (known === undefined) byNetns.set(row.netns, [row]);
    else known.push(row);
  }
  return new Map([...byNetns].map(([netns, own]) => [netns, timesOf(netns, own)]));
}

/** Was it loaded at that time? */
function wasLoaded({ addedAt, removedAt }: RuleRow, at: number): boolean {
  return (addedAt === null || addedAt <= at) && (removedAt === null || at < removedAt);
}

function timesOf(netns: number, rows: readonly RuleRow[]): Loaded[] {
  const changes = rows
    .flatMap(({ addedAt, removedAt }) => [addedAt, removedAt])
    .filter((at) => at !== null);
  const times = [...new Set(changes)].sort((a, b) => a - b);
  const kept = times.slice(-MAX_CHANGES);
  // of before the changes that are kept nothing is said
  const starts = kept.length < times.length ? kept : [Number.NEGATIVE_INFINITY, ...kept];
  return starts.map((from, index) => {
    const until = starts[index + 1] ?? Number.POSITIVE_INFINITY;
    const inForce = rows.filter((row) => wasLoaded(row, momentIn(from, until)));
    return loaded(netns, from, until, inForce);
  });
}

/** Any time within: rules are added and removed at the ends only. */
function momentIn(from: number, until: number): number {
  return from === Number.NEGATIVE_INFINITY ? Math.min(0, until - 1) : from;
}

function loaded(netns: number, from: number, until: number, rows: readonly RuleRow[]): Loaded {
  const chains = new Map<string, Chain & { rules: Rule[] }>();
  const rowOf = new Map<Rule, RuleRow>();
  for (const row of rows) {
    if (row.family === null) continue;
    const key = [row.backend, row.family, row.table, row.tableHandle, row.chain].join(' ');
    const chain = chains.get(key) ?? chainOf(row);
    chains.set(key, chain);
    const rule = ruleOf(row);
    chain.rules.push(rule);
    rowOf.set(rule, row);
  }
  const withRules = [...chains.values()];
  const all = [...withRules, ...emptyChains(withRules)];
  const ruleset = { netns, readAtNs: '0', chains: all, notes: [] };
  return { netns, from, until, ruleset, rowOf };
}

/** Rows are of rules: a chain that is jumped to and has none has no row. */
function emptyChains(withRules: readonly Chain[]): Chain[] {
  const known = new Set(withRules.map((chain) => chainKey(chain)));
  const empty = new Map<string, Chain>();
  for (const chain of withRules) {
    const { base: _, ...place } = chain;
    for (const name of chain.rules.flatMap(({ actions }) => actions.flatMap(targetChains))) {
      const key = chainKey(chain, name);
      if (!known.has(key)) empty.set(key, { ...place, name, rules: [] });
    }
  }
  return [...empty.values()];
}

function targetChains(action: Action): string[] {
  if (action.does === 'jump' || action.does === 'goto') return [action.chain];
  if (action.does !== 'verdict map') return [];
  return action.elements.flatMap((element) => targetChains(element.action));
}

function chainOf(row: RuleRow): Chain & { rules: Rule[] } {
  const { backend, family, table, tableHandle, chain, hook, priority, policy } = row;
  const base = hook === null ? {} : { base: { type: 'nat', hook, priority, policy } };
  return { backend, family: family ?? '', table, tableHandle, name: chain, ...base, rules: [] };
}

function ruleOf({ backend, handle, place, text, terms, actions }: RuleRow): Rule {
  const isLegacy = backend === 'legacy';
  const own = isLegacy ? { handle: 0, offset: handle } : { handle };
  return { ...own, number: place, text, terms, actions };
}
