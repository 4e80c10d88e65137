/** One reading of the loaded rules, and for how long it holds. */
import type { Chain, Rule, Ruleset } from '../model/ruleset.ts';
import type { RulesChange } from './decided-rules.ts';

/** Times are CLOCK_MONOTONIC, ns. */
export interface Reading {
  readonly netns: number;
  readonly readAtNs: bigint;
  /** Changes since the reading before this one; null: none was seen. */
  readonly changedFromNs: bigint | null;
  readonly changedToNs: bigint | null;
  /** The next change; null: none came. */
  readonly untilNs: bigint | null;
  readonly rules: ReadonlyMap<string, { readonly chain: Chain; readonly rule: Rule }>;
}

/** In the order of time. */
export function readingsOf(
  rulesets: readonly Ruleset[],
  changes: readonly RulesChange[],
): Reading[] {
  const times = changes.map(({ atNs }) => atNs).sort((a, b) => (a < b ? -1 : 1));
  const sorted = [...rulesets].sort((a, b) => (BigInt(a.readAtNs) < BigInt(b.readAtNs) ? -1 : 1));
  return sorted.map((ruleset, index) => {
    const readAtNs = BigInt(ruleset.readAtNs);
    const before = index === 0 ? -1n : BigInt(sorted[index - 1]!.readAtNs);
    const since = times.filter((at) => before < at && at <= readAtNs);
    return {
      netns: ruleset.netns,
      readAtNs,
      changedFromNs: since[0] ?? null,
      changedToNs: since.at(-1) ?? null,
      untilNs: times.find((at) => at > readAtNs) ?? null,
      rules: rulesByKey(ruleset),
    };
  });
}

/** Were the rules the same then as when they were read? */
export function holdsAt({ readAtNs, changedToNs, untilNs }: Reading, at: bigint): boolean {
  if (untilNs !== null && at >= untilNs) return false;
  return at >= readAtNs || changedToNs === null || at >= changedToNs;
}

function rulesByKey(ruleset: Ruleset): Reading['rules'] {
  const rules = new Map<string, { chain: Chain; rule: Rule }>();
  for (const chain of ruleset.chains) {
    for (const rule of chain.rules) {
      const key = keyOf(chain, rule);
      let name = key;
      for (let same = 2; rules.has(name); same++) name = `${key} #${same}`;
      rules.set(name, { chain, rule });
    }
  }
  return rules;
}

/** What a rule keeps as long as it is the same rule: one that replaces another has its handle. */
function keyOf({ backend, family, name, tableHandle }: Chain, { handle, text }: Rule): string {
  if (backend === 'legacy') return `${family} ${name} ${text}`;
  return `${handleKey(tableHandle, handle)} ${text}`;
}

/** The kernel side has 24 bits of the table's handle. */
export function handleKey(tableHandle: number, handle: number): string {
  return `${tableHandle & 0xffffff}/${handle}`;
}
