/**
 * The times between changes of a namespace's rules: packets are told apart by
 * them, since each is held against the rules that were loaded when it came.
 */
import type { RulesChange } from '../rebuild/decided-rules.ts';

/** Rules that change more often: after so many changes packets are told apart no more. */
const MAX_PERIODS = 256;

export class RulePeriods {
  /** By namespace: times of changes, ns since 1970, ascending. */
  private readonly changes = new Map<number, number[]>();
  private source: readonly RulesChange[] = [];
  private clockOffsetNs = 0n;
  private taken = 0;

  /** `changes` may grow while the trace is read; see TraceFacts.clockOffsetNs. */
  follow(changes: readonly RulesChange[], clockOffsetNs: string): void {
    this.source = changes;
    this.clockOffsetNs = BigInt(clockOffsetNs);
    this.taken = 0;
  }

  /** `at`: ns since 1970. */
  changed(netns: number, at: number): void {
    const known = this.changes.get(netns) ?? [];
    this.changes.set(netns, known);
    if (known.length >= MAX_PERIODS || known.includes(at)) return;
    known.push(at);
    known.sort((a, b) => a - b);
  }

  /** Takes what has come of the list that is followed. False: no rules have changed at all. */
  update(): boolean {
    for (; this.taken < this.source.length; this.taken++) {
      const { netns, atNs } = this.source[this.taken]!;
      this.changed(netns, Number(atNs + this.clockOffsetNs));
    }
    return this.changes.size > 0;
  }

  /** How many changes there were in the namespace up to a time. */
  of(netns: number, at: number): number {
    const known = this.changes.get(netns);
    if (known === undefined) return 0;
    let count = 0;
    while (count < known.length && known[count]! <= at) count++;
    return count;
  }
}
