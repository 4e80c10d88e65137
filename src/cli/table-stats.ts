import { Command } from 'commander';
import { TraceError } from '../model/error.ts';
import { parseDurationMs, parseWhole } from './options.ts';

export interface TableStatsOptions {
  readonly netns?: string;
  /** Milliseconds. */
  readonly interval?: number;
  readonly count?: number;
  readonly from?: string;
  readonly json?: boolean;
  readonly settings?: boolean;
}

export function tableStatsCommand(): Command {
  return new Command('stats')
    .description(
      'The counters of conntrack -S, explained: totals, per CPU, as rates, and the settings that bear on them.',
    )
    .option('--netns <list>', 'only these namespaces: names of ip netns, inodes, pid:N')
    .option('--interval <time>', 'go on: what moved in each such time', parseDurationMs)
    .option('--count <n>', 'with --interval: how many times', parseWhole('count', 1))
    .option('--from <place>', 'who moved each counter, from a recorded trace instead')
    .option('--settings', "all settings, not only those that differ from the kernel's own")
    .option('--json', 'JSON, one document a line: docs/table-stats.schema.json')
    .addHelpText('after', HELP)
    .action(async (options: TableStatsOptions) => {
      refuseMixed(options);
      const { from } = options;
      if (from !== undefined) {
        return (await import('./table-stats-from.ts')).statsFrom({ ...options, from });
      }
      await (await import('./table-stats-run.ts')).tableStats(options);
    });
}

function refuseMixed({ from, interval, count, settings }: TableStatsOptions): void {
  if (from !== undefined && settings) {
    throw new TraceError('usage', 'found --from with --settings, needed one of them', {
      hint: 'conntrail table stats --settings',
    });
  }
  if (from !== undefined && interval !== undefined) {
    throw new TraceError('usage', 'found --from with --interval, needed one of them', {
      hint: 'conntrail table stats --from trace',
    });
  }
  if (count !== undefined && interval === undefined) {
    throw new TraceError('usage', 'found --count without --interval, needed both', {
      hint: 'conntrail table stats --interval 5s --count 3',
    });
  }
}

const HELP = `
Without --netns: this namespace and all of ip netns. JSON has all settings. With --interval, the first report
is of totals, each further one of what moved since; Ctrl-C ends it.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 finished with losses

Examples:
  $ conntrail table stats
  $ conntrail table stats --settings
  $ conntrail table stats --netns pid:$$ --json
  $ conntrail table stats --interval 5s --count 3
  $ conntrail table stats --from trace`;
