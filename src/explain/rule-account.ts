/** What is counted for one rule while packets are held against it. */
import type { FlowFact } from './flow-facts.ts';
import type { PacketTuple } from './packet-tuple.ts';
import type { RuleRow, TrueCounts } from './rule-rows.ts';

/** Why a packet that could have matched a rule was not decided by it. */
export const RULE_CAUSES = [
  'flow already mapped',
  'reply direction',
  'flow older than the rule',
  'earlier rule decided first',
  'earlier chain or priority decided first',
  'other rules backend decided first',
  "hook not on this packet's way",
  'untracked',
  'invalid',
  'not seen by conntrack',
  'dropped before the nat hook',
  'confirmed nowhere',
  'other conntrack zone',
  'unknown',
  'not explained',
] as const;
export type RuleCause = (typeof RULE_CAUSES)[number];

/** Said of a rule as a whole, beside the sum. */
export const RULE_NOTES = [
  'other network namespace',
  'bypassed by a flowtable',
  'counter reset or rules reloaded',
  'no such traffic seen',
] as const;
export type RuleNote = (typeof RULE_NOTES)[number];

/** So many causes of one rule are told apart by the rule that came before it. */
const MAX_TALLIES = 16;

/** So many flows are shown, and so many packets named. */
const MAX_EXAMPLES = 3;

/** Whose packet it was. */
export interface Whose {
  readonly flow: FlowFact | null;
  readonly tuple: PacketTuple;
  readonly netns: number;
}

export interface Tally {
  packets: number;
  /** Entries; packets without one count none. */
  flows: number;
  readonly evidence: number[];
  readonly examples: Whose[];
  /** Flow counted last: its classes come together. */
  lastFlow: number;
}

export interface CauseTally extends Tally {
  readonly cause: RuleCause;
  /** Which rule, which hook and reason; empty where there is nothing more to say. */
  readonly detail: string;
  /** The rule that came before, where one did. */
  readonly by: RuleRow | null;
}

export function newTally(): Tally {
  return { packets: 0, flows: 0, evidence: [], examples: [], lastFlow: -1 };
}

export function addTo(
  tally: Tally,
  whose: Whose,
  packets: number,
  evidence: readonly number[],
): void {
  tally.packets += packets;
  if (tally.evidence.length < MAX_EXAMPLES) {
    tally.evidence.push(...evidence.slice(0, MAX_EXAMPLES - tally.evidence.length));
  }
  const flow = whose.flow?.flow ?? -1;
  if (flow >= 0 && flow === tally.lastFlow) return;
  tally.lastFlow = flow;
  if (flow >= 0) tally.flows++;
  if (tally.examples.length < MAX_EXAMPLES) tally.examples.push(whose);
}

export class RuleAccount {
  readonly row: RuleRow;
  readonly isNat: boolean;
  /** Of all rows of the rule. */
  counts: TrueCounts;
  readonly decided = newTally();
  readonly causes = new Map<string, CauseTally>();
  /** Packets that would have matched, by the other namespace that they passed in. */
  readonly elsewhere = new Map<number, Tally>();
  /** Flows that bypass the hooks. */
  readonly offloaded = newTally();
  /** Packets that could have matched only if this holds: text of what cannot be evaluated. */
  readonly onlyIf = new Map<string, number>();
  /** Packets decided by it, by the chains that led to it: `PREROUTING > KUBE-SERVICES > KUBE-SVC-A`. */
  readonly paths = new Map<string, number>();
  /** Flows whose mapping it decided, confirmed or not. */
  flowsDecided = 0;
  /** Whose turn it is, so that a packet counts once, however many hooks lead here. */
  turn = -1;
  private last: CauseTally | undefined;
  /** The turn of which the decision shows that it did not match. */
  ruledOut = -1;

  constructor(row: RuleRow, isNat: boolean) {
    this.row = row;
    this.counts = row.counts;
    this.isNat = isNat;
  }

  get couldMatch(): number {
    let sum = this.decided.packets;
    for (const { packets } of this.causes.values()) sum += packets;
    return sum;
  }

  /** Another row of the same rule. */
  addCounts({ flows, packets, packetsReply, bytes, bytesReply }: TrueCounts): void {
    this.counts = {
      flows: this.counts.flows + flows,
      packets: this.counts.packets + packets,
      packetsReply: this.counts.packetsReply + packetsReply,
      bytes: this.counts.bytes + bytes,
      bytesReply: this.counts.bytesReply + bytesReply,
      countedBy: this.counts.countedBy,
    };
  }

  addPath(path: string, packets: number): void {
    this.paths.set(path, (this.paths.get(path) ?? 0) + packets);
  }

  elsewhereIn(netns: number): Tally {
    const tally = this.elsewhere.get(netns) ?? newTally();
    this.elsewhere.set(netns, tally);
    return tally;
  }

  /** `by`: of many rules that came before, those beyond the first are taken together. */
  tallyOf(cause: RuleCause, detail = '', by: RuleRow | null = null): CauseTally {
    const { last } = this;
    const isLast = last?.cause === cause && last.detail === detail && last.by === by;
    if (isLast) return last;
    const key = `${cause} ${by?.number ?? ''} ${detail}`;
    const known = this.causes.get(key);
    if (known === undefined && by !== null && this.causes.size >= MAX_TALLIES) {
      return this.tallyOf(cause, detail === '' ? 'by more rules' : `${detail}, by more rules`);
    }
    const tally = known ?? { ...newTally(), cause, detail, by };
    this.causes.set(key, tally);
    this.last = tally;
    return tally;
  }
}
