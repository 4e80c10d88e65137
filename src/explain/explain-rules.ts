/** Rows of a trace in, findings about its rules out. */
import type { BatchView } from '../columns/batch-view.ts';
import { lookElsewhere } from './elsewhere.ts';
import { FlowFacts } from './flow-facts.ts';
import { PacketClasses } from './packet-classes.ts';
import { type RuleFinding, ruleFinding } from './rule-findings.ts';
import { type RuleRow, readRules } from './rule-rows.ts';
import type { TraceContext } from './trace-context.ts';
import { Weighing } from './weigh-packets.ts';

export interface RuleFindings {
  /** NAT rules and those of nat chains that count; null: the trace has no table of rules. */
  readonly rules: readonly RuleFinding[] | null;
  /** Packets held against no rule: nothing is known of their flow, or there were too many tuples. */
  readonly notHeld: number;
}

/** Reads in any order of tables; the flows' batches are kept until the end. */
export class RuleExplanation {
  readonly flows = new FlowFacts();
  readonly rows: RuleRow[] = [];
  readonly classes: PacketClasses;

  constructor(classes = new PacketClasses()) {
    this.classes = classes;
  }

  addPackets(view: BatchView): void {
    this.classes.add(view);
  }

  addFlows(view: BatchView): void {
    this.flows.add(view);
  }

  addRules(view: BatchView): void {
    this.rows.push(...readRules(view, this.rows.length));
  }

  findings(context: TraceContext): RuleFindings {
    if (this.rows.length === 0) return { rules: null, notHeld: 0 };
    const weighing = new Weighing(this.rows, context.places);
    weighing.run(this.classes, this.flows);
    lookElsewhere(weighing, this.classes, this.flows);
    const rules = [...weighing.accounts.values()].map((account) =>
      ruleFinding(account, this.rows, context),
    );
    return { rules, notHeld: weighing.unplaced + this.classes.ungrouped };
  }
}
