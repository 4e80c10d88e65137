/** Options that every command with a live trace has. */
import { type Command, Option } from 'commander';
import type { FilterWords } from '../capture/filter.ts';
import type { SessionOptions } from '../capture/session.ts';
import { TraceError } from '../model/error.ts';
import { TABLES } from '../model/tables.ts';
import { addFilterOptions, filterWords, givenFilterOptions } from './filter-options.ts';
import { parseDurationMs, parseSizeBytes } from './options.ts';

export interface TraceOptions extends FilterWords {
  readonly duration?: number;
  readonly buffer?: number;
}

const PAGE = 4096;
const LARGEST = 2 ** 30;

/** A ring is a power of two and a multiple of the page size. */
function parseRingBytes(text: string): number {
  const bytes = parseSizeBytes(text);
  if (bytes >= PAGE && bytes <= LARGEST && Math.log2(bytes) % 1 === 0) return bytes;
  throw new TraceError(
    'usage',
    `ring size: found "${text}", needed a power of two from 4KiB to 1GiB`,
    { hint: 'for example 4MiB' },
  );
}

export function addTraceOptions(command: Command): Command {
  return addFilterOptions(command)
    .option(
      '--duration <time>',
      'end after this time, e.g. 5s (default: at Ctrl-C)',
      parseDurationMs,
    )
    .option(
      '--buffer <size>',
      "size of each CPU's ring, a power of two, e.g. 8MiB",
      parseRingBytes,
    );
}

/** A recorded trace is what it is: options of a live one would be ignored in silence. */
export function refuseLiveOptions(options: TraceOptions & { readonly from?: string }): void {
  if (options.from === undefined) return;
  const given = [
    ...givenFilterOptions(options),
    ...(['duration', 'buffer'] as const).filter((name) => options[name] !== undefined),
  ];
  if (given.length === 0) return;
  throw new TraceError('usage', `found --from with --${given.join(', --')}, needed one of them`, {
    hint: 'leave --from away to trace live',
  });
}

export function sessionOptions(options: TraceOptions): SessionOptions {
  return { ...filterWords(options), ringBytes: options.buffer };
}

/** For a file or a stream, which hold one table. */
export function tableOption(): Option {
  return new Option('--table <name>', 'which table, where the output holds only one')
    .choices(TABLES.map(({ name }) => name))
    .default('packets');
}
