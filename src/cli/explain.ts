import { Command } from 'commander';
import type { ExplainOptions } from './explain-run.ts';
import { parseWhole } from './options.ts';
import { addStaleOptions, refuseStaleOptions, type StaleFlags } from './stale-options.ts';
import { addTraceOptions } from './trace-options.ts';

const SHOWN_FLOWS = 20;

export function explainCommand(): Command {
  const command = new Command('explain')
    .description(
      'Say why the counters of NAT rules move or do not: all rules, one rule, or one flow.',
    )
    .option('--from <place>', 'a dataset folder or capture file instead of a live trace of 5s')
    .option(
      '--rule <rule>',
      'all about one rule: its name, its comment, its handle, or table/chain/handle (iptables: number)',
    )
    .option('--flow <tuple>', 'the life of one flow: "tcp A:1 > B:2" or its number')
    .option('--flows <n>', 'how many flows to describe', parseWhole('flows', 0), SHOWN_FLOWS)
    .option('--json', 'one JSON document: docs/explain.schema.json, docs/stale.schema.json');
  return addTraceOptions(addStaleOptions(command))
    .addHelpText('after', HELP)
    .action(async (options: ExplainOptions & StaleFlags) => {
      refuseStaleOptions(options);
      const { stale, from } = options;
      if (stale && from !== undefined) {
        return (await import('./stale-from.ts')).explainRecordedStale({ ...options, from });
      }
      if (stale) return (await import('./stale-run.ts')).explainStale(options);
      const { explain } = await import('./explain-run.ts');
      await explain(options);
    });
}

const HELP = `
A rule is named as it is shown, by its handle, or as nat/output/9, where the last
is the handle; rules of iptables as nat/POSTROUTING/3. A flow is named by its
original tuple, "tcp 10.0.0.2:5000 > 10.0.1.1:80", or by its number in the trace.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 finished with losses

Examples:
  $ conntrail explain --duration 5s
  $ conntrail explain --from trace
  $ conntrail explain --from trace --rule nat/output/2
  $ conntrail explain --from trace --json
  $ conntrail explain --stale --netns init
  $ conntrail explain --stale --from trace
  $ conntrail explain --stale --delete --yes`;
