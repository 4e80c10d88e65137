import { Command } from 'commander';
import { tableChangeCommands } from './table-change.ts';
import { countCommand, getCommand } from './table-count.ts';
import { newsCommand } from './table-events.ts';
import { listCommand } from './table-list.ts';
import { restoreCommand, saveCommand } from './table-save.ts';

export function tableCommand(): Command {
  const table = new Command('table')
    .description("The kernel's conntrack table: list, watch, count, change, save and restore.")
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
  $ conntrail table save > entries.save`;
