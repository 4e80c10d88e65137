import { Command, Option } from 'commander';
import { CONNTRACK_TABLES } from '../model/conntrack-tables.ts';
import { parseWhole } from './options.ts';
import type { ListOptions } from './table-list-run.ts';
import { addEntryOptions, addNetnsOption, FILTER_KEYS } from './table-options.ts';
import { SORT_KEYS } from './table-sort.ts';
import { addTableArgument, refuseOthers, tableOf } from './table-which.ts';

export function listCommand(): Command {
  const command = new Command('list').description(
    "List entries: conntrack's own lines, columns, JSON, Arrow or Parquet.",
  );
  addEntryOptions(addTableArgument(command, CONNTRACK_TABLES), FILTER_KEYS);
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
    .action(async (word: string | undefined, options: ListOptions) => {
      const table = tableOf(word, CONNTRACK_TABLES, 'list');
      if (table === 'expect') {
        refuseOthers(command, table, ['family', ...OUTPUT_NAMES]);
        const { listExpectations } = await import('./table-expect-run.ts');
        return listExpectations(options);
      }
      const { listTable } = await import('./table-list-run.ts');
      await listTable(options, table);
    });
  return command;
}

const parseTop = parseWhole('top', 1);

/** The names of what addOutputOptions() adds. */
export const OUTPUT_NAMES: readonly string[] = ['netns', 'output', 'out'];

/** How entries are shown, and where. */
export function addOutputOptions(command: Command): Command {
  return addNetnsOption(command)
    .option(
      '-o, --output <list>',
      'extended, id, ktimestamp, timestamp, labels, xml, save as in conntrack(8); or columns, json, lines',
    )
    .option('--out <place>', 'FILE.parquet, FILE.arrow, or - for an Arrow stream');
}

const HELP = `
On a terminal columns are shown, elsewhere lines as conntrack -L writes them. JSON has the
columns of docs/schema.md (entries), idle_s and nat; of ICMP icmp_type, icmp_code, icmp_id
and of GRE src_key, dst_key in place of ports.
Of expectations those of both families are listed, where conntrack -L expect lists
those of IPv4 unless -f says otherwise.
With --from always columns, unless -o json or --out is given; exit status 3 where the
trace has losses: an entry that it does not know may be one of them.

Examples:
  $ conntrail table list
  $ conntrail table list -p tcp -d 10.0.0.0/8 --dport 443 -o extended,id
  $ conntrail table list --any-nat -o json
  $ conntrail table list --sort bytes --top 10
  $ conntrail table list --mark 0x10/0xf0 --netns pid:$$
  $ conntrail table list --out entries.parquet
  $ conntrail table list --from trace --any-nat
  $ conntrail table list --from trace --sort bytes --top 10 -o json
  $ conntrail table list expect -o json
  $ conntrail table list dying -p tcp`;
