import { Command } from 'commander';
import { addEntryOptions, addNetnsOption, FILTER_KEYS } from './table-options.ts';

export function saveCommand(): Command {
  const command = new Command('save')
    .description('Write all entries, or those that match, as lines that restore reads.')
    .argument('[file]', 'where to, else standard output');
  addEntryOptions(command, FILTER_KEYS);
  return addNetnsOption(command)
    .addHelpText('after', SAVE_HELP)
    .action(async (file: string | undefined, options: { netns?: string }) => {
      const { saveTable } = await import('./table-save-run.ts');
      await saveTable(file, options);
    });
}

export function restoreCommand(): Command {
  const command = new Command('restore')
    .description('Make the entries of a file of save or of conntrack -o save.')
    .argument('[file]', 'where from, else standard input');
  return addNetnsOption(command)
    .addHelpText('after', RESTORE_HELP)
    .action(async (file: string | undefined, options: { netns?: string }) => {
      const { restoreTable } = await import('./table-save-run.ts');
      await restoreTable(file, options);
    });
}

const SAVE_HELP = `
With tuples, NAT, timeouts, states, marks, zones, labels and helpers. conntrack -R takes
these lines too, but ends at the first with --helper or --label-add: leave them out with
grep -ve --helper -e --label-add. What neither can carry over: counters, the age of an
entry, TCP's windows, what a helper expects.

Examples:
  $ conntrail table save entries.save
  $ conntrail table save -p tcp --netns pid:$$ > tcp.save`;

const RESTORE_HELP = `
Nothing is made where a line cannot be read. Entries that are there already stay. A file
without entries, as save writes of an empty table, is no failure.

Examples:
  $ conntrail table restore entries.save
  $ conntrail table restore entries.save --netns pid:$$`;
