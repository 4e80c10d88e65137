/** What the shim is told of rules that decided, and what it counts for them. */
import { KnownRule, RuleCount } from '../libbpf/flows.ts';

/** Flows are mostly decided by few rules at a time. */
const KNOWN = 16;

/** How a rule is named in records, and the number it has here. */
export interface NumberedRule {
  readonly low: number;
  readonly high: number;
  readonly netns: number;
  /** Of the legacy backend, else 0. */
  readonly family: number;
  /** From 1. */
  readonly rule: number;
}

export class KnownRules {
  /** Words of struct known_rule, `count` of them: the rules that were asked for last. */
  readonly words = new Int32Array(KNOWN * KnownRule.words);
  count = 0;
  /** Numbers of struct rule_counts, by rule: of flows that the shim hands on. */
  counts = new Float64Array(KNOWN * RuleCount.words);
  private next = 0;

  /** In the place of the one that was told longest ago. */
  tell({ low, high, netns, family, rule }: NumberedRule): void {
    const { words } = this;
    for (let index = 0; index < this.count; index++)
      if (words[index * KnownRule.words + KnownRule.number] === rule) return;
    if (this.count === 0) this.next = 0;
    words.set([low, high, netns, family, rule], this.next * KnownRule.words);
    this.next = (this.next + 1) % KNOWN;
    this.count = Math.max(this.count, this.next || KNOWN);
    this.makeRoom(rule);
  }

  /** Rules have changed: their names may stand for others now. */
  forget(): void {
    this.count = 0;
  }

  /** Adds what was counted for a rule since this was asked last. */
  takeCounts(rule: number, to: Counted): void {
    const { counts } = this;
    const at = (rule - 1) * RuleCount.words;
    to.flows += counts[at + RuleCount.flows]!;
    to.packets += counts[at + RuleCount.packets]!;
    to.packetsReply += counts[at + RuleCount.packets + 1]!;
    to.bytes += counts[at + RuleCount.bytes]!;
    to.bytesReply += counts[at + RuleCount.bytes + 1]!;
    counts.fill(0, at, at + RuleCount.words);
  }

  private makeRoom(rules: number): void {
    if (rules * RuleCount.words <= this.counts.length) return;
    const counts = new Float64Array(this.counts.length * 2);
    counts.set(this.counts);
    this.counts = counts;
  }
}

/** Flows that a rule decided about, and what was translated because of it. */
export interface Counted {
  flows: number;
  packets: number;
  packetsReply: number;
  bytes: number;
  bytesReply: number;
}
