import { Command } from 'commander';
import type { EntryKey } from '../table/entry-options.ts';
import type { ChangeOptions } from './table-change-run.ts';
import { addEntryOptions, addNetnsOption, FILTER_KEYS, NAME_KEYS } from './table-options.ts';

/** What a new entry has beside its name. */
const NEW_KEYS: readonly EntryKey[] = [
  ...NAME_KEYS,
  ...(['timeout', 'state', 'status', 'mark', 'srcNat', 'dstNat', 'labelAdd', 'helper'] as const),
  ...(['origVtag', 'replyVtag', 'role'] as const),
];

/** Of these four, what they shall be; the rest says which entries. */
const UPDATE_KEYS: readonly EntryKey[] = [
  ...FILTER_KEYS,
  ...(['timeout', 'labelAdd', 'labelDel', 'helper'] as const),
];

export function tableChangeCommands(): Command[] {
  return [insertCommand(), updateCommand(), deleteCommand(), flushCommand()];
}

function insertCommand(): Command {
  const command = new Command('insert').description(
    'Make an entry. A reply tuple that is not the original one turned round means NAT.',
  );
  addEntryOptions(command, NEW_KEYS);
  return addNetnsOption(command)
    .addHelpText('after', INSERT_HELP)
    .action(async (options: ChangeOptions) => {
      const { insertEntry } = await import('./table-change-run.ts');
      await insertEntry(options);
    });
}

function updateCommand(): Command {
  const command = new Command('update').description(
    'Change mark, timeout, status, labels or helper of the entries that match the other options.',
  );
  addEntryOptions(command, UPDATE_KEYS);
  return asking(addNetnsOption(command))
    .addHelpText('after', UPDATE_HELP)
    .action(async (options: ChangeOptions) => {
      const { updateEntries } = await import('./table-change-run.ts');
      await updateEntries(options);
    });
}

function deleteCommand(): Command {
  const command = new Command('delete').description('Delete the entries that match.');
  addEntryOptions(command, FILTER_KEYS);
  return asking(addNetnsOption(command))
    .addHelpText('after', DELETE_HELP)
    .action(async (options: ChangeOptions) => {
      const { deleteMatching } = await import('./table-change-run.ts');
      await deleteMatching(options);
    });
}

function flushCommand(): Command {
  const command = new Command('flush').description('Delete all entries, or those of a family.');
  addEntryOptions(command, ['family']);
  return asking(addNetnsOption(command))
    .addHelpText('after', FLUSH_HELP)
    .action(async (options: ChangeOptions) => {
      const { flushTable } = await import('./table-change-run.ts');
      await flushTable(options);
    });
}

function asking(command: Command): Command {
  return command.option('-y, --yes', 'do not ask where it concerns more than one entry');
}

const INSERT_HELP = `
Examples:
  $ conntrail table insert -p udp -s 10.0.0.2 -d 10.0.0.1 --sport 5000 --dport 53 -t 120
  $ conntrail table insert -p tcp -s 10.0.0.2 -d 198.51.100.1 --sport 5000 --dport 80 -t 600 --state ESTABLISHED -u ASSURED,SEEN_REPLY --src-nat 203.0.113.1:40000`;

const UPDATE_HELP = `
--mark, --status, --timeout say what shall be; --mark value/mask changes the bits of the mask.
The kernel sets SEEN_REPLY, ASSURED and FIXED_TIMEOUT only, and takes none of them back.

Examples:
  $ conntrail table update -p tcp --dport 443 --mark 0x10/0xf0
  $ conntrail table update -s 10.0.0.2 --timeout 30 --yes`;

const DELETE_HELP = `
More than one entry: says how many, shows some, and asks on a terminal; elsewhere --yes
is needed.

Examples:
  $ conntrail table delete -p udp --dport 4789
  $ conntrail table delete -s 10.0.0.0/8 --state TIME_WAIT --yes`;

const FLUSH_HELP = `
Examples:
  $ conntrail table flush --yes
  $ conntrail table flush -f ipv6`;
