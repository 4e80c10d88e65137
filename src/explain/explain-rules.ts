/** Rows of a trace in, findings about its rules out. */
import type { BatchView } from '../columns/batch-view.ts';
import { lookElsewhere } from './elsewhere.ts';
import { FlowFacts } from './flow-facts.ts';
import type { FlowLife } from './flow-steps.ts';
import { PacketClasses } from './packet-classes.ts';
import { type RuleFinding, ruleFinding } from './rule-findings.ts';
import { RulePeriods } from './rule-periods.ts';
import { type RuleRow, readRules } from './rule-rows.ts';
import type { TraceContext } from './trace-context.ts';
import { Weighing } from './weigh-packets.ts';

export interface RuleFindings {
  /** NAT rules and those of nat chains that count; null: the trace has no table of rules. */
  readonly rules: readonly RuleFinding[] | null;
  /** Packets held against no rule: nothing is known of their flow, or there were too many tuples. */
  readonly notHeld: number;
  /** The life of a watched flow, its rules by the numbers they have here, with the paths to them. */
  placed(life: FlowLife): FlowLife;
}

/** Of a trace without rules. */
export const NO_FINDINGS: RuleFindings = { rules: null, notHeld: 0, placed: (life) => life };

/**
 * Reads in any order of tables; the flows' batches are kept until the end. Rules
 * that come before the packets, or changes that are followed, tell packets apart.
 */
export class RuleExplanation {
  readonly flows = new FlowFacts();
  readonly rows: RuleRow[] = [];
  readonly periods = new RulePeriods();
  readonly classes: PacketClasses;

  /** `maxTuples`: packets without an entry are told apart by so many. */
  constructor(maxTuples?: number) {
    this.classes = new PacketClasses(maxTuples, this.periods);
  }

  addPackets(view: BatchView): void {
    this.classes.add(view);
  }

  addFlows(view: BatchView): void {
    this.flows.add(view);
  }

  addRules(view: BatchView): void {
    const rows = readRules(view, this.rows.length);
    this.rows.push(...rows);
    for (const { netns, addedAt, removedAt } of rows) {
      if (addedAt !== null) this.periods.changed(netns, addedAt);
      if (removedAt !== null) this.periods.changed(netns, removedAt);
    }
  }

  /** `watched`: flows of which the paths to their rules are wanted. */
  findings(context: TraceContext, watched: ReadonlySet<number> = new Set()): RuleFindings {
    if (this.rows.length === 0) return NO_FINDINGS;
    const weighing = new Weighing(this.rows, context.places, watched);
    weighing.run(this.classes, this.flows);
    lookElsewhere(weighing, this.classes, this.flows);
    const rules = [...weighing.accounts.values()].map((account) =>
      ruleFinding(account, this.rows, context),
    );
    const notHeld = weighing.unplaced + this.classes.ungrouped;
    return { rules, notHeld, placed: (life) => weighing.placed(life) };
  }
}
