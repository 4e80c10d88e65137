import { Command } from 'commander';
import { BatchView } from '../columns/batch-view.ts';
import { Account } from '../explain/account.ts';
import { describeFindings } from '../explain/describe.ts';
import { findingsOf } from '../explain/findings.ts';
import type { TraceFacts } from '../model/facts.ts';
import { FLOWS, PACKETS } from '../model/tables.ts';
import { parseWhole } from './options.ts';
import { rulesNow, rulesText } from './rules-now.ts';
import { addTraceOptions, type TraceOptions } from './trace-options.ts';
import { readTrace, type TraceSink, traceLive } from './trace-source.ts';
import { reportLedger } from './watch.ts';

interface ExplainOptions extends TraceOptions {
  readonly from?: string;
  readonly json?: boolean;
  readonly flows: number;
}

const LIVE_MS = 5000;
const SHOWN_FLOWS = 20;
const TABLES = ['packets', 'flows'] as const;

export function explainCommand(): Command {
  const command = new Command('explain')
    .description('Say which packets ran the nat chains and why the others did not.')
    .option('--from <place>', 'a dataset folder or capture file instead of a live trace of 5s')
    .option('--flows <n>', 'how many flows to describe', parseWhole('flows', 0), SHOWN_FLOWS)
    .option('--json', 'findings as JSON, all flows');
  return addTraceOptions(command).addHelpText('after', HELP).action(explain);
}

async function explain(options: ExplainOptions): Promise<void> {
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

const HELP = `
Exit status: 0 done, 1 failed, 2 wrong usage, 3 finished with losses

Examples:
  $ conntrail explain --duration 5s
  $ conntrail explain --from trace
  $ conntrail explain --from trace --json`;
