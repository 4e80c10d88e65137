/** What `conntrail explain` does; explain.ts says how it is called. */
import { BatchView } from '../columns/batch-view.ts';
import { Account } from '../explain/account.ts';
import { describeFindings } from '../explain/describe.ts';
import { findingsOf } from '../explain/findings.ts';
import type { TraceFacts } from '../model/facts.ts';
import { FLOWS, PACKETS } from '../model/tables.ts';
import { rulesNow, rulesText } from './rules-now.ts';
import { refuseLiveOptions, type TraceOptions } from './trace-options.ts';
import { readTrace, type TraceSink, traceLive } from './trace-source.ts';
import { reportLedger } from './watch-run.ts';

export interface ExplainOptions extends TraceOptions {
  readonly from?: string;
  readonly json?: boolean;
  readonly flows: number;
}

const LIVE_MS = 5000;
const TABLES = ['packets', 'flows'] as const;

export async function explain(options: ExplainOptions): Promise<void> {
  refuseLiveOptions(options);
  const account = new Account();
  let names: TraceFacts['netnsNames'] = {};
  const sink: TraceSink = {
    facts: (facts) => {
      names = facts.netnsNames;
    },
    batch: async ({ table, batch }) => {
      if (table === 'packets') account.addPackets(new BatchView(batch, PACKETS));
      else account.addFlows(new BatchView(batch, FLOWS));
    },
  };
  const ledger =
    options.from === undefined
      ? await traceLive({ duration: LIVE_MS, ...options }, TABLES, sink)
      : await readTrace(options.from, TABLES, sink);
  account.finish();
  const findings = findingsOf(account, ledger, (inode) => names[inode] ?? String(inode));
  const rules = options.from === undefined ? rulesNow(findings.namespaces, names) : [];
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ ...findings, rules })}\n`
      : describeFindings(findings, options.flows) + rulesText(rules),
  );
  reportLedger(ledger);
}
