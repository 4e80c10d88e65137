/**
 * The rules that decided something: numbered by first sight, with what became
 * of the flows they decided about.
 */
import { Verdict } from '../model/codes.ts';
import { AddressTable } from './address-table.ts';
import { Flow as Col, FlowNull } from './flow-columns.ts';
import { KnownRules } from './known-rules.ts';
import type { PacketBatch } from './packet-batch.ts';
import { Fact } from './packet-layout.ts';
import { clearNull, isNull } from './row-words.ts';
import { isLegacy, namesRule, type RuleName, ruleName, withoutHook } from './rule-words.ts';

/** Packets that a mapping translated, and their bytes, per direction. */
export interface Translated {
  packets: number;
  packetsReply: number;
  bytes: number;
  bytesReply: number;
}

export interface DecidedRule extends Translated, RuleName {
  /** From 1: flows.src_rule, flows.dst_rule. */
  readonly rule: number;
  readonly netns: number;
  /** Of the first flow: tells the legacy tables of a namespace apart. */
  readonly family: number;
  /** CLOCK_MONOTONIC of the record that named it first, words low and high. */
  readonly firstAt: readonly [low: number, high: number];
  flows: number;
}

export interface RulesChange {
  readonly netns: number;
  /** CLOCK_MONOTONIC, ns. */
  readonly atNs: bigint;
}

/** Beyond so many, rules that change keep the numbers that they have. */
const MOST_APART = 65_536;

type Manip = 'src' | 'dst';

/** Of one flow and manip. */
interface Missed {
  readonly src: Translated;
  readonly dst: Translated;
}

export class DecidedRules {
  private readonly numbered: DecidedRule[] = [];
  readonly known = new KnownRules();
  /** conntrack's own counts have come of some flow. */
  hasAccounts = false;
  /** Per namespace and, for the legacy backend, family. */
  private readonly tables = new Map<number, AddressTable>();
  /** The one that was asked for last. */
  private lastTable: AddressTable | undefined;
  private lastNetns = 0;
  private lastFamily = 0;
  /** Packets of a flow that died before a mapping was applied, by the flow's number. */
  private readonly missed = new Map<string, Missed>();

  /** In the order of their numbers, with all that was counted so far. */
  get all(): readonly DecidedRule[] {
    for (const rule of this.numbered) this.known.takeCounts(rule.rule, rule);
    return this.numbered;
  }

  /** Does each flow have to be asked whether packets of it died before a mapping was applied? */
  get areMissed(): boolean {
    return this.missed.size > 0;
  }

  /**
   * The number of the rule in two words at `at`, 0 for none; `time` is the word
   * of the record's time, `netns` a word, which may be negative.
   */
  numberOf(words: Int32Array, at: number, time: number, netns: number, family: number): number {
    const low = words[at]!;
    const high = withoutHook(words[at + 1]!);
    if (!namesRule(high)) return 0;
    const table = this.tableOf(netns, isLegacy(high) ? family : 0);
    const known = table.find(low, high);
    const rule = known >= 0 ? known : this.numbered.length + 1;
    this.known.tell({ low, high, netns, family: isLegacy(high) ? family : 0, rule });
    if (known >= 0) return known;
    table.insert(low, high, rule);
    this.numbered.push({
      ...ruleName(low, high),
      rule,
      netns: netns >>> 0,
      family,
      firstAt: [words[time]!, words[time + 1]!],
      flows: 0,
      ...nothing(),
    });
    return rule;
  }

  /**
   * The rules of a namespace have changed: what is decided from now on has new
   * numbers, as a rule that takes the place of another may have its handle
   * (nf_tables_newrule() with NLM_F_REPLACE), or its place in memory.
   */
  changed(netns: number): void {
    if (this.numbered.length >= MOST_APART) return;
    this.known.forget();
    for (const key of this.tables.keys()) {
      if (Math.floor(key / 16) === netns) this.tables.delete(key);
    }
    this.lastTable = undefined;
  }

  /** A packet of the flow at `flow` was dropped: which ends of it were never rewritten. */
  packetDropped(flows: Int32Array, flow: number, batch: PacketBatch, row: number): void {
    if (batch.verdict[row] !== Verdict.drop) return;
    if (isNull(flows, flow, FlowNull.srcRule) && isNull(flows, flow, FlowNull.dstRule)) return;
    const isReply = batch.direction[row] === 1;
    const hook = batch.lastHook[row]!;
    const isEarly = hook === 0 || hook === 3;
    const early = isReply ? 'src' : 'dst';
    const late = isReply ? 'dst' : 'src';
    this.miss(flows, flow, late, isReply, batch.bytes[row]! >>> 0);
    const wasRewritten = ((batch.facts[row]! >>> (Fact.rewritten + hook)) & 1) === 1;
    if (isEarly && !wasRewritten) this.miss(flows, flow, early, isReply, batch.bytes[row]! >>> 0);
  }

  /** The row of a flow is finished: what it adds to its rules. */
  countFlow(flows: Int32Array, flow: number): void {
    if (!isNull(flows, flow, FlowNull.srcRule)) this.add(flows, flow, Col.srcRule, 'src');
    if (!isNull(flows, flow, FlowNull.dstRule)) this.add(flows, flow, Col.dstRule, 'dst');
    if (this.missed.size > 0) this.missed.delete(numberOf(flows, flow));
  }

  /** Writes what a record told of the rules: zero leaves the column as it is. */
  write(flows: Int32Array, flow: number, srcRule: number, dstRule: number): void {
    if (srcRule !== 0) {
      flows[flow + Col.srcRule] = srcRule;
      clearNull(flows, flow, FlowNull.srcRule);
    }
    if (dstRule === 0) return;
    flows[flow + Col.dstRule] = dstRule;
    clearNull(flows, flow, FlowNull.dstRule);
  }

  private add(flows: Int32Array, flow: number, column: number, manip: Manip): void {
    const rule = this.numbered[flows[flow + column]! - 1]!;
    const without = this.missed.size > 0 ? this.missed.get(numberOf(flows, flow)) : undefined;
    const missed = without?.[manip];
    rule.flows++;
    rule.packets += wide(flows, flow + Col.packets) - (missed?.packets ?? 0);
    rule.packetsReply += wide(flows, flow + Col.packetsReply) - (missed?.packetsReply ?? 0);
    rule.bytes += wide(flows, flow + Col.bytes) - (missed?.bytes ?? 0);
    rule.bytesReply += wide(flows, flow + Col.bytesReply) - (missed?.bytesReply ?? 0);
  }

  private miss(
    flows: Int32Array,
    flow: number,
    manip: Manip,
    isReply: boolean,
    bytes: number,
  ): void {
    const key = numberOf(flows, flow);
    const missed = this.missed.get(key) ?? { src: nothing(), dst: nothing() };
    this.missed.set(key, missed);
    const counts = missed[manip];
    counts[isReply ? 'packetsReply' : 'packets']++;
    counts[isReply ? 'bytesReply' : 'bytes'] += bytes;
  }

  private tableOf(netns: number, family: number): AddressTable {
    const last = this.lastTable;
    if (last && netns === this.lastNetns && family === this.lastFamily) return last;
    const key = (netns >>> 0) * 16 + family;
    const table = this.tables.get(key) ?? new AddressTable(64);
    this.tables.set(key, table);
    this.lastTable = table;
    this.lastNetns = netns;
    this.lastFamily = family;
    return table;
  }
}

function nothing(): Translated {
  return { packets: 0, packetsReply: 0, bytes: 0, bytesReply: 0 };
}

function numberOf(flows: Int32Array, flow: number): string {
  return `${flows[flow + Col.number + 1]}:${flows[flow + Col.number]}`;
}

function wide(words: Int32Array, at: number): number {
  return (words[at + 1]! >>> 0) * 0x1_0000_0000 + (words[at]! >>> 0);
}
