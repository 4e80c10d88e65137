import { Command, Option } from 'commander';
import { addTraceOptions } from './trace-options.ts';
import type { WatchOptions } from './watch-run.ts';

export function watchCommand(): Command {
  const command = new Command('watch')
    .description(
      'Show traversals, flows, changes of state, or failures as lines: live or from a recorded trace.',
    )
    .option('--from <place>', 'a dataset folder, Parquet, Arrow or capture file instead of live')
    .addOption(
      new Option('--flows', 'one line per flow instead of one per packet').conflicts([
        'states',
        'failures',
      ]),
    )
    .addOption(
      new Option(
        '--states',
        "one line per change of a flow's state instead of one per packet",
      ).conflicts('failures'),
    )
    .option('--failures', 'one line for everything that conntrack refuses or loses, with its cause')
    .addOption(
      new Option('--format <form>', 'text, or json: one object per line')
        .choices(['text', 'json'])
        .default('text'),
    );
  return addTraceOptions(command)
    .addHelpText('after', HELP)
    .action(async (options: WatchOptions) => {
      const { watch } = await import('./watch-run.ts');
      await watch(options);
    });
}

const HELP = `
Exit status: 0 done, 1 failed, 2 wrong usage, 3 finished with losses

Examples:
  $ conntrail watch --duration 2s
  $ conntrail watch --duration 2s --flows --filter 'tcp and port 443'
  $ conntrail watch --duration 2s --states
  $ conntrail watch --duration 2s --failures --refusals --detail flows
  $ conntrail watch --from trace
  $ conntrail watch --from trace --format json`;
