/** Which of conntrack(8)'s tables a command is about, and which of its options that table has. */
import type { Command } from 'commander';
import { CONNTRACK_TABLES, type ConntrackTable } from '../model/conntrack-tables.ts';
import { TraceError } from '../model/error.ts';
import { shown } from '../table/parse-tokens.ts';

export const BOTH: readonly ConntrackTable[] = ['conntrack', 'expect'];

/** `[table]`, in front of all options: conntrack without it. */
export function addTableArgument(command: Command, tables: readonly ConntrackTable[]): Command {
  return command.argument('[table]', `${tables.join(', ')}; without it ${tables[0]}`);
}

/** One of `tables`; `command`: what it is for. */
export function tableOf(
  word: string | undefined,
  tables: readonly ConntrackTable[],
  command: string,
): ConntrackTable {
  const found = tables.find((table) => table === (word ?? 'conntrack'));
  if (found !== undefined) return found;
  const needed = tables.join(tables.length > 2 ? ', ' : ' or ');
  const isKnown = CONNTRACK_TABLES.some((table) => table === word);
  throw new TraceError(
    'usage',
    `table ${command}: found "${shown(word ?? '')}", needed ${needed}`,
    {
      hint: `conntrail table ${isKnown ? `list ${word}` : `${command} ${tables.at(-1)}`}`,
    },
  );
}

/** Refuses what was given on the command line but for `names`, which this table has. */
export function refuseOthers(
  command: Command,
  table: ConntrackTable,
  names: readonly string[],
): void {
  const other = command.options.find((option) => {
    const name = option.attributeName();
    return command.getOptionValueSource(name) === 'cli' && !names.includes(name);
  });
  if (other === undefined) return;
  const known = command.options.filter(
    (option) => !option.hidden && names.includes(option.attributeName()),
  );
  const needed =
    table === 'expect' ? known.map(({ long }) => long).join(', ') : 'an option of entries';
  throw new TraceError('usage', `found ${other.long} with the table ${table}, needed ${needed}`, {
    hint: `conntrail table ${command.name()} --help`,
  });
}
