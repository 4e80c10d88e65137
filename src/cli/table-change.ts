import { Command, Option } from 'commander';
import type { EntryKey } from '../table/entry-options.ts';
import { EXPECT_OPTIONS } from '../table/expect-options.ts';
import type { ChangeOptions } from './table-change-run.ts';
import {
  addEntryOptions,
  addNetnsOption,
  attributesOf,
  EXPECT_NAME_KEYS,
  FILTER_KEYS,
  NAME_KEYS,
  OF_ONE,
  SET,
} from './table-options.ts';
import { addTableArgument, BOTH, refuseOthers, tableOf } from './table-which.ts';

/** What a new entry has beside its name. */
const NEW_KEYS: readonly EntryKey[] = [
  ...NAME_KEYS,
  ...(['timeout', 'state', 'status', 'mark', 'srcNat', 'dstNat', 'labelAdd', 'helper'] as const),
  ...(['origVtag', 'replyVtag', 'role'] as const),
];

/** An expectation's own, and what names its master. */
const NEW_EXPECT_NAMES: readonly string[] = [
  ...attributesOf([...EXPECT_NAME_KEYS, 'timeout']),
  ...EXPECT_OPTIONS.map(({ key }) => key),
  'netns',
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
    'Make an entry. A reply tuple that is not the original one turned round means NAT. Or make an expectation of an entry that has a helper.',
  );
  addEntryOptions(addTableArgument(command, BOTH), NEW_KEYS, { ...OF_ONE, ...SET });
  for (const { long, value, meaning } of EXPECT_OPTIONS) {
    command.addOption(new Option(`--${long[0]} ${value}`, meaning));
  }
  return addNetnsOption(command)
    .addHelpText('after', INSERT_HELP)
    .action(async (word: string | undefined, options: ChangeOptions) => {
      if (tableOf(word, BOTH, 'insert') === 'expect') {
        refuseOthers(command, 'expect', NEW_EXPECT_NAMES);
        const { insertExpectation } = await import('./table-expect-run.ts');
        return insertExpectation(options);
      }
      refuseOthers(command, 'conntrack', ['netns', ...attributesOf(NEW_KEYS)]);
      const { insertEntry } = await import('./table-change-run.ts');
      await insertEntry(options);
    });
}

function updateCommand(): Command {
  const command = new Command('update').description(
    'Change mark, timeout, status, labels or helper of the entries that match the other options.',
  );
  addEntryOptions(addTableArgument(command, ['conntrack']), UPDATE_KEYS, SET);
  return asking(addNetnsOption(command))
    .addHelpText('after', UPDATE_HELP)
    .action(async (word: string | undefined, options: ChangeOptions) => {
      tableOf(word, ['conntrack'], 'update');
      const { updateEntries } = await import('./table-change-run.ts');
      await updateEntries(options);
    });
}

function deleteCommand(): Command {
  const command = new Command('delete').description(
    'Delete the entries that match; or the expectation that a flow would fulfil, named by its original tuple.',
  );
  addEntryOptions(addTableArgument(command, BOTH), FILTER_KEYS);
  return asking(addNetnsOption(command))
    .addHelpText('after', DELETE_HELP)
    .action(async (word: string | undefined, options: ChangeOptions) => {
      if (tableOf(word, BOTH, 'delete') === 'expect') {
        refuseOthers(command, 'expect', ['netns', 'yes', ...attributesOf(EXPECT_NAME_KEYS)]);
        const { deleteExpectation } = await import('./table-expect-run.ts');
        return deleteExpectation(options);
      }
      const { deleteMatching } = await import('./table-change-run.ts');
      await deleteMatching(options);
    });
}

function flushCommand(): Command {
  const command = new Command('flush').description(
    'Delete all entries, or those of a family; or all expectations.',
  );
  addEntryOptions(addTableArgument(command, BOTH), ['family']);
  return asking(addNetnsOption(command))
    .addHelpText('after', FLUSH_HELP)
    .action(async (word: string | undefined, options: ChangeOptions) => {
      if (tableOf(word, BOTH, 'flush') === 'expect') {
        refuseOthers(command, 'expect', ['netns', 'yes']);
        const { flushExpectations } = await import('./table-expect-run.ts');
        return flushExpectations(options);
      }
      const { flushTable } = await import('./table-change-run.ts');
      await flushTable(options);
    });
}

function asking(command: Command): Command {
  return command.option('-y, --yes', 'do not ask where it concerns more than one entry');
}

const INSERT_HELP = `
Of an expectation the options of entries name its master, which needs a helper. Its
timeout is that of the helper, whatever -t says, unless a program is the helper.

Examples:
  $ conntrail table insert -p udp -s 10.0.0.2 -d 10.0.0.1 --sport 5000 --dport 53 -t 120
  $ conntrail table insert -p tcp -s 10.0.0.2 -d 198.51.100.1 --sport 5000 --dport 80 -t 600 --state ESTABLISHED -u ASSURED,SEEN_REPLY --src-nat 203.0.113.1:40000
  $ conntrail table insert -p tcp -s 10.0.0.2 -d 10.0.0.1 --sport 5000 --dport 21 -t 600 --state ESTABLISHED --helper ftp
  $ conntrail table insert expect -p tcp -s 10.0.0.2 -d 10.0.0.1 --sport 5000 --dport 21 -t 300 --tuple-src 10.0.0.1 --tuple-dst 10.0.0.2 --tuple-port-dst 51210`;

const UPDATE_HELP = `
--mark, --status, --timeout say what shall be; --mark value/mask changes the bits of the mask.
The kernel sets SEEN_REPLY, ASSURED and FIXED_TIMEOUT only, and takes none of them back.

Examples:
  $ conntrail table update -p udp --dport 53 --mark 0x10/0xf0
  $ conntrail table update -s 10.0.0.2 --timeout 30 --yes`;

const DELETE_HELP = `
More than one entry: says how many, shows some, and asks on a terminal; elsewhere --yes
is needed.

Examples:
  $ conntrail table delete -p udp --dport 4789
  $ conntrail table delete -s 10.0.0.0/8 --state TIME_WAIT --yes
  $ conntrail table delete expect -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 20 --dport 51210`;

const FLUSH_HELP = `
Examples:
  $ conntrail table flush --yes
  $ conntrail table flush -f ipv6
  $ conntrail table flush expect --yes`;
