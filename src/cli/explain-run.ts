/** What `conntrail explain` does; explain.ts says how it is called. */
import { BatchView } from '../columns/batch-view.ts';
import { Account } from '../explain/account.ts';
import { NO_FINDINGS, RuleExplanation } from '../explain/explain-rules.ts';
import { findingsOf } from '../explain/findings.ts';
import { FlowLives } from '../explain/flow-life.ts';
import { contextOf } from '../explain/trace-context.ts';
import { TraceError } from '../model/error.ts';
import type { TraceFacts } from '../model/facts.ts';
import type { Ledger } from '../model/ledger.ts';
import { FLOWS, PACKETS, RULES, STATES_TABLE, type TableName } from '../model/tables.ts';
import { explainedJson, explainedText } from './explain-text.ts';
import { refuseLiveOptions, type TraceOptions } from './trace-options.ts';
import { readTrace, type TraceSink, traceLive } from './trace-source.ts';
import { reportLedger } from './watch-run.ts';
import { writeOut } from './write-out.ts';

export interface ExplainOptions extends TraceOptions {
  readonly from?: string;
  readonly json?: boolean;
  readonly flows: number;
  readonly rule?: string;
  readonly flow?: string;
}

const LIVE_MS = 5000;
/** Rules first: packets are told apart by which of them were loaded. */
const ALL = ['rules', 'packets', 'flows', 'states'] as const;

/** Everything that rows of the trace are given to. */
class Explaining {
  readonly byRule = new RuleExplanation();
  readonly account = new Account(this.byRule.classes, this.byRule.flows);
  readonly lives: FlowLives | undefined;
  facts: TraceFacts | undefined;

  constructor(flow: string | undefined) {
    this.lives = flow === undefined ? undefined : new FlowLives(flow);
  }

  readonly sink: TraceSink = {
    facts: (facts, changes) => {
      this.facts = facts;
      this.byRule.periods.follow(changes, facts.clockOffsetNs);
    },
    batch: async ({ table, batch }) => {
      if (table === 'packets') this.addPackets(new BatchView(batch, PACKETS));
      else if (table === 'states') this.lives?.addStates(new BatchView(batch, STATES_TABLE));
      else if (table === 'rules') this.byRule.addRules(new BatchView(batch, RULES));
      else this.addFlows(new BatchView(batch, FLOWS));
    },
  };

  /** Flows alone, before all else: which of them is meant. */
  readonly flowSink: TraceSink = {
    facts: () => undefined,
    batch: async ({ batch }) => this.lives?.addFlows(new BatchView(batch, FLOWS)),
  };

  private addPackets(view: BatchView): void {
    this.byRule.addPackets(view);
    this.lives?.addPackets(view);
  }

  private addFlows(view: BatchView): void {
    this.byRule.addFlows(view);
    this.lives?.addFlows(view);
  }
}

export async function explain(options: ExplainOptions): Promise<void> {
  refuseLiveOptions(options);
  if (options.rule !== undefined && options.flow !== undefined) {
    throw new TraceError('usage', 'found --rule with --flow, needed one of them', {
      hint: 'run explain once for each',
    });
  }
  const explaining = new Explaining(options.flow);
  const ledger = await readAll(options, explaining);
  const { account, byRule, lives, facts } = explaining;
  account.finish();
  const netnsName = (inode: number): string => facts?.netnsNames[inode] ?? String(inode);
  const told = lives?.finish();
  const watched = new Set(told?.map(({ flow }) => Number(flow)));
  const context = facts === undefined ? undefined : contextOf(facts, ledger);
  const found = context === undefined ? NO_FINDINGS : byRule.findings(context, watched);
  const explained = {
    findings: findingsOf(account, ledger, netnsName, options.json ? undefined : options.flows),
    flows: account.flows.size,
    byRule: found,
    lives: told?.map((life) => found.placed(life)) ?? null,
    netnsName,
  };
  const show = options.json ? explainedJson : explainedText;
  await writeOut(show(explained, options));
  reportLedger(ledger);
}

async function readAll(options: ExplainOptions, explaining: Explaining): Promise<Ledger | null> {
  const { from } = options;
  const tables: readonly TableName[] = ALL;
  if (from === undefined) {
    return traceLive({ duration: LIVE_MS, ...options }, tables, explaining.sink);
  }
  if (explaining.lives !== undefined) await readTrace(from, ['flows'], explaining.flowSink);
  return readTrace(from, tables, explaining.sink);
}
