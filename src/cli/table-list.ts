import { Command, Option } from 'commander';
import { parseWhole } from './options.ts';
import type { ListOptions } from './table-list-run.ts';
import { addEntryOptions, addNetnsOption, FILTER_KEYS } from './table-options.ts';
import { SORT_KEYS } from './table-sort.ts';

export function listCommand(): Command {
  const command = new Command('list').description(
    "List entries: conntrack's own lines, columns, JSON, Arrow or Parquet.",
  );
  addEntryOptions(command, FILTER_KEYS);
  addOutputOptions(command)
    .addOption(
      new Option('--sort <key>', 'largest or first of these first').choices([...SORT_KEYS]),
    )
    .option(
      '--from <place>',
      'with what a recorded trace of this boot knows of each: rules that decided, true counts',
    )
    .option('--top <count>', 'only so many of them; by bytes, unless --sort says', parseTop)
    .addHelpText('after', HELP)
    .action(async (options: ListOptions) => {
      const { listTable } = await import('./table-list-run.ts');
      await listTable(options);
    });
  return command;
}

const parseTop = parseWhole('top', 1);

/** How entries are shown, and where. */
export function addOutputOptions(command: Command): Command {
  return addNetnsOption(command)
    .option(
      '-o, --output <list>',
      'extended, id, ktimestamp, labels, xml, save as in conntrack(8); or columns, json, lines',
    )
    .option('--out <place>', 'FILE.parquet, FILE.arrow, or - for an Arrow stream');
}

const HELP = `
On a terminal columns are shown, elsewhere lines as conntrack -L writes them.
With --from always columns, unless -o json or --out is given; exit status 3 where the
trace has losses: an entry that it does not know may be one of them.

Examples:
  $ conntrail table list
  $ conntrail table list -p tcp -d 10.0.0.0/8 --dport 443 -o extended,id
  $ conntrail table list --any-nat -o json
  $ conntrail table list --sort bytes --top 10
  $ conntrail table list --mark 0x10/0xf0 --netns router
  $ conntrail table list --out entries.parquet
  $ conntrail table list --from trace --any-nat
  $ conntrail table list --from trace --sort bytes --top 10 -o json`;
