import { Command } from 'commander';
import { tableExplainCommand } from './table-explain.ts';
import { tableStatsCommand } from './table-stats.ts';

export function tableCommand(): Command {
  return new Command('table')
    .description("The kernel's conntrack table: what its lines and counters say.")
    .addCommand(tableExplainCommand())
    .addCommand(tableStatsCommand())
    .addHelpText('after', HELP);
}

const HELP = `
Exit status: 0 done, 1 failed, 2 wrong usage, 3 finished with losses

Examples:
  $ conntrack -L | conntrail table explain
  $ conntrail table stats
  $ conntrail table explain "tcp 6 114 TIME_WAIT src=10.0.0.10 dst=10.8.2.12 sport=5536 dport=80 src=10.8.2.12 dst=192.168.1.2 sport=80 dport=5536 [ASSURED]"`;
