import { Command } from 'commander';
import type { ExpectOptions } from './table-expect-run.ts';
import { addOutputOptions, OUTPUT_NAMES } from './table-list.ts';
import {
  addEntryOptions,
  addNetnsOption,
  attributesOf,
  EXPECT_NAME_KEYS,
  FILTER_KEYS,
  NAME_KEYS,
  OF_ONE,
} from './table-options.ts';
import { addTableArgument, BOTH, refuseOthers, tableOf } from './table-which.ts';

export function countCommand(): Command {
  const command = new Command('count').description(
    'Count entries: all of the table, or those that match; or expectations.',
  );
  addEntryOptions(addTableArgument(command, BOTH), FILTER_KEYS);
  return addNetnsOption(command)
    .addHelpText('after', COUNT_HELP)
    .action(async (word: string | undefined, options: ExpectOptions) => {
      if (tableOf(word, BOTH, 'count') === 'expect') {
        refuseOthers(command, 'expect', ['family', 'netns']);
        const { countExpectations } = await import('./table-expect-run.ts');
        return countExpectations(options);
      }
      const { countTable } = await import('./table-count-run.ts');
      await countTable(options);
    });
}

export function getCommand(): Command {
  const command = new Command('get').description(
    'Show one entry, named by its original or its reply tuple; or the expectation that a flow would fulfil, named by its original tuple.',
  );
  addEntryOptions(addTableArgument(command, BOTH), NAME_KEYS, OF_ONE);
  return addOutputOptions(command)
    .addHelpText('after', GET_HELP)
    .action(async (word: string | undefined, options: ExpectOptions) => {
      if (tableOf(word, BOTH, 'get') === 'expect') {
        refuseOthers(command, 'expect', [...attributesOf(EXPECT_NAME_KEYS), ...OUTPUT_NAMES]);
        const { getExpectation } = await import('./table-expect-run.ts');
        return getExpectation(options);
      }
      const { getEntry } = await import('./table-count-run.ts');
      await getEntry(options);
    });
}

const COUNT_HELP = `
Examples:
  $ conntrail table count
  $ conntrail table count -p tcp --state TIME_WAIT
  $ conntrail table count expect`;

const GET_HELP = `
Exit status: 0 found, 1 there is no such entry

Examples:
  $ conntrail table get -p udp -s 10.0.0.2 -d 10.0.0.1 --sport 5000 --dport 53
  $ conntrail table get expect -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 20 --dport 51210`;
