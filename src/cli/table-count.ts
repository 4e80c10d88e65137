import { Command } from 'commander';
import { addOutputOptions } from './table-list.ts';
import { addEntryOptions, addNetnsOption, FILTER_KEYS, NAME_KEYS } from './table-options.ts';

export function countCommand(): Command {
  const command = new Command('count').description(
    'Count entries: all of the table, or those that match.',
  );
  addEntryOptions(command, FILTER_KEYS);
  return addNetnsOption(command)
    .addHelpText('after', COUNT_HELP)
    .action(async (options: { netns?: string }) => {
      const { countTable } = await import('./table-count-run.ts');
      await countTable(options);
    });
}

export function getCommand(): Command {
  const command = new Command('get').description(
    'Show one entry, named by its original or its reply tuple.',
  );
  addEntryOptions(command, NAME_KEYS);
  return addOutputOptions(command)
    .addHelpText('after', GET_HELP)
    .action(async (options: { netns?: string }) => {
      const { getEntry } = await import('./table-count-run.ts');
      await getEntry(options);
    });
}

const COUNT_HELP = `
Examples:
  $ conntrail table count
  $ conntrail table count -p tcp --state TIME_WAIT`;

const GET_HELP = `
Exit status: 0 found, 1 there is no such entry

Examples:
  $ conntrail table get -p udp -s 10.0.0.2 -d 10.0.0.1 --sport 53000 --dport 53`;
