/**
 * Readings of the loaded rules, taken at several times, to what each rule was:
 * since when, until when, and what its counter said. A reading holds from the
 * change of rules before it to the next change after it.
 */
import type { Chain, Rule, Ruleset } from '../model/ruleset.ts';
import type { DecidedRule, RulesChange } from './decided-rules.ts';

export interface Lifetime {
  readonly netns: number;
  readonly chain: Chain;
  /** As read first, and as read last. */
  readonly first: Rule;
  last: Rule;
  /** CLOCK_MONOTONIC, ns; null: there from the start, or still there at the end. */
  readonly addedAtNs: bigint | null;
  removedAtNs: bigint | null;
}

interface Reading {
  readonly ruleset: Ruleset;
  /** The change that made these rules, 0 where none was seen before. */
  readonly sinceNs: bigint;
  readonly rules: ReadonlyMap<string, { readonly chain: Chain; readonly rule: Rule }>;
}

/** The lifetimes of the rules of one namespace, in the order of evaluation; gone ones last. */
export class NetnsRules {
  readonly lifetimes = new Map<string, Lifetime>();
  private readonly readings: readonly Reading[];
  private readonly wasSeen = new Set<string>();
  /** Of nf_tables; those of one handle in the order of their ends. */
  private readonly byHandle = new Map<string, Lifetime[]>();

  constructor(rulesets: readonly Ruleset[], changes: readonly RulesChange[]) {
    const sorted = [...rulesets].sort((a, b) => (BigInt(a.readAtNs) < BigInt(b.readAtNs) ? -1 : 1));
    this.readings = sorted.map((ruleset) => ({
      ruleset,
      sinceNs: changeBefore(changes, BigInt(ruleset.readAtNs)),
      rules: rulesByKey(ruleset),
    }));
    for (const reading of [...this.readings].reverse()) this.noteKeys(reading);
    this.readings.forEach((reading, index) => {
      this.note(reading, index === 0);
    });
    for (const lifetime of this.lifetimes.values()) this.noteHandle(lifetime);
  }

  /** The rule that the kernel side named; undefined: it was gone before it could be read. */
  find(decided: DecidedRule): Lifetime | undefined {
    return decided.backend === 'nft' ? this.findNft(decided) : this.findLegacy(decided);
  }

  /** Of several that had the handle, one after the other, the one of its time. */
  private findNft({ table, number, firstAt }: DecidedRule): Lifetime | undefined {
    const own = this.byHandle.get(handleKey(table, number));
    if (own === undefined || own.length === 1) return own?.[0];
    const at = timeOf(firstAt);
    return own.find(({ removedAtNs }) => removedAtNs === null || at < removedAtNs) ?? own.at(-1);
  }

  /** The entry that holds the target, in the reading of its time. */
  private findLegacy({ family, number, firstAt }: DecidedRule): Lifetime | undefined {
    const at = timeOf(firstAt);
    const reading = this.readings.findLast(({ sinceNs }) => sinceNs <= at) ?? this.readings[0];
    let key: string | undefined;
    let best = -1;
    for (const [name, { chain, rule }] of reading?.rules ?? []) {
      const isTable = chain.backend === 'legacy' && chain.family === (family === 4 ? 'ip' : 'ip6');
      if (!isTable || rule.offset === undefined) continue;
      if (rule.offset > number || rule.offset <= best) continue;
      best = rule.offset;
      key = name;
    }
    return key === undefined ? undefined : this.lifetimes.get(key);
  }

  /** Keeps the place of each rule in the newest order. */
  private noteKeys({ rules, ruleset }: Reading): void {
    for (const [key, { chain, rule }] of rules) {
      if (this.lifetimes.has(key)) continue;
      const { netns } = ruleset;
      this.lifetimes.set(key, {
        netns,
        chain,
        first: rule,
        last: rule,
        addedAtNs: null,
        removedAtNs: null,
      });
    }
  }

  private noteHandle(lifetime: Lifetime): void {
    const { chain, last, removedAtNs } = lifetime;
    if (chain.backend === 'legacy') return;
    const key = handleKey(chain.tableHandle, last.handle);
    const own = this.byHandle.get(key) ?? [];
    const later = own.findIndex((other) => endsAfter(other.removedAtNs, removedAtNs));
    own.splice(later < 0 ? own.length : later, 0, lifetime);
    this.byHandle.set(key, own);
  }

  private note({ rules, sinceNs, ruleset }: Reading, isFirst: boolean): void {
    const at = sinceNs === 0n ? BigInt(ruleset.readAtNs) : sinceNs;
    for (const [key, lifetime] of this.lifetimes) {
      const found = rules.get(key);
      if (found !== undefined) this.seen(key, lifetime, found, isFirst ? null : at);
      else if (!isFirst && this.wasSeen.has(key)) lifetime.removedAtNs ??= at;
    }
  }

  private seen(
    key: string,
    lifetime: Lifetime,
    { chain, rule }: { chain: Chain; rule: Rule },
    at: bigint | null,
  ): void {
    if (this.wasSeen.has(key)) {
      lifetime.last = rule;
      return;
    }
    this.wasSeen.add(key);
    const removedAtNs = null;
    const begun = { netns: lifetime.netns, chain, first: rule, last: rule, addedAtNs: at };
    this.lifetimes.set(key, { ...begun, removedAtNs });
  }
}

function endsAfter(end: bigint | null, other: bigint | null): boolean {
  return other !== null && (end === null || end > other);
}

function timeOf([low, high]: DecidedRule['firstAt']): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
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
function handleKey(tableHandle: number, handle: number): string {
  return `${tableHandle & 0xffffff}/${handle}`;
}

function changeBefore(changes: readonly RulesChange[], at: bigint): bigint {
  return changes.findLast(({ atNs }) => atNs <= at)?.atNs ?? 0n;
}
