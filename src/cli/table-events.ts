import { Command, Option } from 'commander';
import { TraceError } from '../model/error.ts';
import { parseDurationMs, parseSizeBytes, parseWhole } from './options.ts';
import { addOutputOptions, OUTPUT_NAMES } from './table-list.ts';
import type { NewsOptions } from './table-news-run.ts';
import { addEntryOptions, FILTER_KEYS } from './table-options.ts';
import { addTableArgument, BOTH, refuseOthers, tableOf } from './table-which.ts';

export function newsCommand(): Command {
  const command = new Command('events').description(
    'Follow what becomes of entries, or of expectations: new, changed, destroyed.',
  );
  addEntryOptions(addTableArgument(command, BOTH), FILTER_KEYS);
  return addOutputOptions(command)
    .option('-e, --event-mask <list>', 'only some of NEW, UPDATES, DESTROY; ALL: all', parseMask)
    .addOption(
      new Option('-b, --buffer-size <size>', "of the socket's buffer: bytes, or 2MiB")
        .argParser(parseSizeBytes)
        .default(64 << 20, '64MiB'),
    )
    .option('--duration <time>', 'end after this time, e.g. 10s', parseDurationMs)
    .option('--count <count>', 'end after so many lines', parseWhole('count', 1))
    .addHelpText('after', HELP)
    .action(async (word: string | undefined, given: NewsOptions & { eventMask?: number }) => {
      const { eventMask: news } = given;
      const options = news === undefined ? given : { ...given, news };
      if (tableOf(word, BOTH, 'events') === 'expect') {
        refuseOthers(command, 'expect', EXPECT_NAMES);
        const { followExpectations } = await import('./table-expect-news.ts');
        return followExpectations(options);
      }
      const { followTable } = await import('./table-news-run.ts');
      await followTable(options);
    });
}

const EXPECT_NAMES = ['family', 'eventMask', 'bufferSize', 'duration', 'count', ...OUTPUT_NAMES];

const MASK = { new: 1, updates: 2, update: 2, destroy: 4, all: 7 } as const;

/** Bits of the groups that the kernel tells: conntrack's words, in either case. */
function parseMask(text: string): number {
  return text.split(',').reduce((bits, word) => {
    const bit = MASK[word.toLowerCase() as keyof typeof MASK];
    if (bit !== undefined) return bits | bit;
    const needed = 'some of NEW, UPDATES, DESTROY, ALL, joined by commas';
    throw new TraceError('usage', `--event-mask: found "${text}", needed ${needed}`, {
      hint: 'conntrail table events -e NEW,DESTROY',
    });
  }, 0);
}

const HELP = `
What the kernel threw away because nobody read fast enough is counted, and made
up for from a listing of the table: entries that came and went meanwhile are the
only ones not told. News of expectations are counted, and not made up for.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 news were thrown away

Examples:
  $ conntrail table events --duration 10s
  $ conntrail table events -e NEW,DESTROY -p udp -o id
  $ conntrail table events --any-nat -o json --count 100
  $ conntrail table events expect -o timestamp`;
