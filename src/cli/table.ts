import { Command } from 'commander';
import { tableChangeCommands } from './table-change.ts';
import { countCommand, getCommand } from './table-count.ts';
import { newsCommand } from './table-events.ts';
import { tableExplainCommand } from './table-explain.ts';
import { listCommand } from './table-list.ts';
import { restoreCommand, saveCommand } from './table-save.ts';
import { tableStatsCommand } from './table-stats.ts';

export function tableCommand(): Command {
  const table = new Command('table')
    .description(
      "The kernel's conntrack table: list, watch, count, change, save and restore; what its lines and counters say.",
    )
    .helpCommand(false)
    .addHelpText('after', HELP);
  const commands = [
    listCommand(),
    getCommand(),
    countCommand(),
    newsCommand(),
    ...tableChangeCommands(),
    saveCommand(),
    restoreCommand(),
    tableStatsCommand(),
    tableExplainCommand(),
  ];
  for (const command of commands) table.addCommand(command);
  return table;
}

const HELP = `
Options that name and match entries are those of conntrack(8).

Exit status: 0 done, 1 failed, 2 wrong usage, 3 finished with losses

Examples:
  $ conntrail table list -p tcp --state ESTABLISHED
  $ conntrail table list --src-nat --sort bytes --top 10
  $ conntrail table delete -p udp --dport 4789
  $ conntrail table events -e NEW,DESTROY
  $ conntrail table save > entries.save
  $ conntrail table stats
  $ conntrack -L | conntrail table explain
  $ conntrail table explain "tcp 6 114 TIME_WAIT src=10.0.0.10 dst=10.8.2.12 sport=5536 dport=80 src=10.8.2.12 dst=192.168.1.2 sport=80 dport=5536 [ASSURED]"`;
