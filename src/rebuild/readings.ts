/**
 * Readings of the loaded rules, taken at several times, to what each rule was:
 * since when, until when, and what its counter said. Between two readings the
 * rules may have changed more than once: then only bounds of a time are known.
 */
import type { Chain, Rule, Ruleset } from '../model/ruleset.ts';
import type { DecidedRule, RulesChange } from './decided-rules.ts';
import { handleKey, holdsAt, type Reading, readingsOf } from './reading.ts';

/** Times are CLOCK_MONOTONIC, ns. */
export interface Lifetime {
  readonly netns: number;
  readonly chain: Chain;
  /** As read first, and as read last. */
  readonly first: Rule;
  last: Rule;
  /** Not before the first and by the second it was there; null: from the start. */
  readonly addedAtNs: bigint | null;
  readonly addedByNs: bigint | null;
  /** Still there up to the first and gone by the second; null: still there at the end. */
  removedAfterNs: bigint | null;
  removedAtNs: bigint | null;
  /** It asks for elements of a named set or map, which were not always the same. */
  isChanging: boolean;
}

/** The lifetimes of the rules of one namespace. */
export class NetnsRules {
  private order: readonly Lifetime[] = [];
  private readonly readings: readonly Reading[];
  /** Those of the reading that is being noted, by key. */
  private current = new Map<string, Lifetime>();
  /** By reading. */
  private readonly currents: ReadonlyMap<string, Lifetime>[] = [];
  private readonly byHandle = new Map<string, Lifetime[]>();

  constructor(rulesets: readonly Ruleset[], changes: readonly RulesChange[]) {
    this.readings = readingsOf(rulesets, changes);
    this.readings.forEach((reading, index) => {
      this.note(reading, index === 0);
    });
    for (const lifetime of this.order) this.noteHandle(lifetime);
  }

  /** In the order of evaluation; what went away behind what stood before it. */
  get lifetimes(): readonly Lifetime[] {
    return this.order;
  }

  /** The rule that the kernel side named; undefined: it was gone before it could be read, or one of two. */
  find(decided: DecidedRule): Lifetime | undefined {
    return decided.backend === 'nft' ? this.findNft(decided) : this.findLegacy(decided);
  }

  /** Of several that had the handle, one after the other, the one that was there at its time. */
  private findNft({ table, number, firstAt }: DecidedRule): Lifetime | undefined {
    const own = this.byHandle.get(handleKey(table, number)) ?? [];
    if (own.length < 2) return own[0];
    const at = timeOf(firstAt);
    const there = own.filter((lifetime) => wasThere(lifetime, at));
    return there.length === 1 ? there[0] : undefined;
  }

  /** The entry that holds the target, in a reading of the table of that time. */
  private findLegacy({ family, number, firstAt }: DecidedRule): Lifetime | undefined {
    const at = timeOf(firstAt);
    const index = this.readings.findIndex((reading) => holdsAt(reading, at));
    let key: string | undefined;
    let best = -1;
    for (const [name, { chain, rule }] of this.readings[index]?.rules ?? []) {
      const isTable = chain.backend === 'legacy' && chain.family === (family === 4 ? 'ip' : 'ip6');
      if (!isTable || rule.offset === undefined) continue;
      if (rule.offset > number || rule.offset <= best) continue;
      best = rule.offset;
      key = name;
    }
    return key === undefined ? undefined : this.currents[index]!.get(key);
  }

  private note(reading: Reading, isFirst: boolean): void {
    const before = this.current;
    this.current = new Map();
    for (const [key, found] of reading.rules) {
      const known = before.get(key);
      if (known !== undefined) keep(known, found.rule);
      this.current.set(key, known ?? begin(reading, found, isFirst));
    }
    for (const [key, lifetime] of before) {
      if (this.current.has(key)) continue;
      lifetime.removedAfterNs = reading.changedFromNs ?? reading.readAtNs;
      lifetime.removedAtNs = reading.changedToNs ?? reading.readAtNs;
    }
    this.currents.push(this.current);
    this.order = merged(this.order, [...this.current.values()]);
  }

  private noteHandle(lifetime: Lifetime): void {
    const { chain, last } = lifetime;
    if (chain.backend === 'legacy') return;
    const key = handleKey(chain.tableHandle, last.handle);
    this.byHandle.set(key, [...(this.byHandle.get(key) ?? []), lifetime]);
  }
}

function wasThere({ addedByNs, removedAfterNs }: Lifetime, at: bigint): boolean {
  return (
    (addedByNs === null || addedByNs <= at) && (removedAfterNs === null || at < removedAfterNs)
  );
}

/** A namespace that is read first after a change is new: its rules came with that change. */
function begin(
  { netns, readAtNs, changedFromNs, changedToNs }: Reading,
  { chain, rule }: { chain: Chain; rule: Rule },
  isFirst: boolean,
): Lifetime {
  const [addedAtNs, addedByNs] = isFirst
    ? [changedFromNs, changedToNs]
    : [changedFromNs ?? readAtNs, changedToNs ?? readAtNs];
  const since = { netns, chain, first: rule, last: rule, addedAtNs, addedByNs };
  return { ...since, removedAfterNs: null, removedAtNs: null, isChanging: false };
}

function keep(lifetime: Lifetime, rule: Rule): void {
  if (rule.text.includes('@') && programOf(rule) !== programOf(lifetime.last)) {
    lifetime.isChanging = true;
  }
  lifetime.last = rule;
}

function programOf({ terms, actions }: Rule): string {
  return JSON.stringify([terms, actions]);
}

/** `now` in its order; what of `before` is gone stays behind what it stood behind. */
function merged(before: readonly Lifetime[], now: readonly Lifetime[]): Lifetime[] {
  const here = new Set(now);
  const gone = new Map<Lifetime | undefined, Lifetime[]>();
  let last: Lifetime | undefined;
  for (const lifetime of before) {
    if (here.has(lifetime)) last = lifetime;
    else gone.set(last, [...(gone.get(last) ?? []), lifetime]);
  }
  const behind = (lifetime: Lifetime | undefined) => gone.get(lifetime) ?? [];
  return [...behind(undefined), ...now.flatMap((lifetime) => [lifetime, ...behind(lifetime)])];
}

function timeOf([low, high]: DecidedRule['firstAt']): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
