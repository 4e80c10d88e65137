/** The table `rules`: what was read of the rules, beside what they decided. */
import { HOOKS, RULE_BACKENDS, Verdict } from '../model/codes.ts';
import { layoutOf } from '../model/row-layout.ts';
import { type NameTable, RowBuffer } from '../model/rows.ts';
import type { Rule, Ruleset } from '../model/ruleset.ts';
import { RULES } from '../model/tables.ts';
import type { DecidedRule, RulesChange } from './decided-rules.ts';
import { type Lifetime, NetnsRules } from './readings.ts';
import { setNull } from './row-words.ts';

const { at, index } = layoutOf(RULES);

/** Code of rules.counted_by. */
export const CountedBy = { none: 0, packets: 1, accounting: 2 } as const;

export interface RuleFacts {
  readonly readings: readonly Ruleset[];
  readonly changes: readonly RulesChange[];
  readonly decided: readonly DecidedRule[];
  readonly countedBy: number;
}

/** Rules as read, in the order of evaluation per namespace; then those that nobody could read. */
export function ruleRows(facts: RuleFacts, names: NameTable): RowBuffer {
  const entries = entriesOf(facts);
  const rows = new RowBuffer(RULES, Math.max(1, entries.length));
  for (const entry of entries) new Row(rows, names).write(entry, facts.countedBy);
  return rows;
}

interface Entry {
  readonly rule: number;
  readonly netns: number;
  readonly lifetime?: Lifetime | undefined;
  readonly decided?: DecidedRule | undefined;
  /** False: another row of the same rule has its counters. */
  readonly hasCounters: boolean;
}

function entriesOf({ readings, changes, decided }: RuleFacts): Entry[] {
  const inodes = [...new Set(readings.map(({ netns }) => netns))];
  const known = new Map(
    inodes.map((netns) => {
      const own = changes.filter((change) => change.netns === netns);
      return [
        netns,
        new NetnsRules(
          readings.filter((one) => one.netns === netns),
          own,
        ),
      ];
    }),
  );
  const byLifetime = new Map<Lifetime | undefined, DecidedRule[]>();
  for (const rule of decided) {
    const lifetime = known.get(rule.netns)?.find(rule);
    byLifetime.set(lifetime, [...(byLifetime.get(lifetime) ?? []), rule]);
  }
  let next = decided.length;
  const read = [...known.values()].flatMap(({ lifetimes }) => lifetimes);
  const entries = read.flatMap((lifetime): Entry[] => {
    const { netns } = lifetime;
    const own = byLifetime.get(lifetime);
    if (own === undefined) return [{ rule: ++next, netns, lifetime, hasCounters: true }];
    return own.map((one, place) => ({
      rule: one.rule,
      netns,
      lifetime,
      decided: one,
      hasCounters: place === 0,
    }));
  });
  const unread = (byLifetime.get(undefined) ?? []).map((one) => ({
    rule: one.rule,
    netns: one.netns,
    decided: one,
    hasCounters: false,
  }));
  return [...entries, ...unread];
}

class Row {
  private readonly words: Int32Array;
  private readonly row: number;
  private readonly names: NameTable;

  constructor(rows: RowBuffer, names: NameTable) {
    this.row = rows.next();
    this.words = rows.words;
    this.names = names;
  }

  write({ rule, netns, lifetime, decided, hasCounters }: Entry, countedBy: number): void {
    this.word('rule', rule);
    this.word('netns', netns);
    this.word('backend', RULE_BACKENDS.indexOf(lifetime?.chain.backend ?? decided!.backend));
    this.wide('table_handle', lifetime?.chain.tableHandle ?? decided?.table ?? 0);
    this.wide('handle', handleOf(lifetime, decided));
    this.writeChain(lifetime);
    this.writeRule(lifetime);
    this.writeCounters(hasCounters ? lifetime : undefined);
    this.wide('flows', decided?.flows ?? 0);
    this.wide('packets', decided?.packets ?? 0);
    this.wide('packets_reply', decided?.packetsReply ?? 0);
    this.wide('bytes', decided?.bytes ?? 0);
    this.wide('bytes_reply', decided?.bytesReply ?? 0);
    this.word('counted_by', countedBy);
  }

  private writeChain(lifetime: Lifetime | undefined): void {
    const chain = lifetime?.chain;
    const base = chain?.base;
    this.name('family', chain?.family);
    this.name('table', chain?.table);
    this.name('chain', chain?.name);
    this.code('hook', base === undefined ? undefined : HOOKS.indexOf(base.hook));
    this.name('priority', base === undefined ? undefined : String(base.priority));
    this.code('policy', base === undefined ? undefined : Verdict[base.policy]);
  }

  private writeRule(lifetime: Lifetime | undefined): void {
    const rule = lifetime?.last;
    this.code('number', rule?.number);
    this.name('text', rule?.text);
    this.name('program', rule && programOf(rule, lifetime!.isChanging));
    this.time('added_at', lifetime?.addedAtNs ?? null);
    this.time('removed_at', lifetime?.removedAtNs ?? null);
  }

  private writeCounters(lifetime: Lifetime | undefined): void {
    this.count('packets_before', lifetime?.first.packets);
    this.count('packets_after', lifetime?.last.packets);
    this.count('bytes_before', lifetime?.first.bytes);
    this.count('bytes_after', lifetime?.last.bytes);
  }

  private word(column: string, value: number): void {
    this.words[this.row + at(column)] = value;
  }

  private wide(column: string, value: number): void {
    this.word(column, value | 0);
    this.words[this.row + at(column) + 1] = Math.floor(value / 0x1_0000_0000);
  }

  private code(column: string, value: number | undefined): void {
    if (value === undefined) setNull(this.words, this.row, index(column));
    else this.word(column, value);
  }

  private name(column: string, text: string | undefined): void {
    this.code(column, text === undefined ? undefined : this.names.numberOf(text));
  }

  private count(column: string, value: number | undefined): void {
    if (value === undefined) setNull(this.words, this.row, index(column));
    else this.wide(column, value);
  }

  private time(column: string, ns: bigint | null): void {
    if (ns === null) {
      setNull(this.words, this.row, index(column));
      return;
    }
    this.word(column, Number(BigInt.asIntN(32, ns)));
    this.words[this.row + at(column) + 1] = Number(BigInt.asIntN(32, ns >> 32n));
  }
}

/** Of one whose elements were not always the same, nobody knows when it holds. */
function programOf({ terms, actions }: Rule, isChanging: boolean): string {
  const unknown = { unknown: 'elements of its sets, which changed meanwhile' };
  return JSON.stringify({ terms: isChanging ? [...terms, unknown] : terms, actions });
}

function handleOf(lifetime: Lifetime | undefined, decided: DecidedRule | undefined): number {
  if (lifetime === undefined) return decided!.number;
  const { backend } = lifetime.chain;
  return backend === 'legacy' ? (lifetime.last.offset ?? 0) : lifetime.last.handle;
}
