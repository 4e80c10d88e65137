/** Options that every command with a live trace has. */
import { type Command, Option } from 'commander';
import type { FilterWords } from '../capture/filter.ts';
import type { SessionOptions } from '../capture/session.ts';
import { TraceError } from '../model/error.ts';
import { BACKENDS, type Backend, DETAILS, type Detail } from '../model/facts.ts';
import { TABLES } from '../model/tables.ts';
import { addFilterOptions, filterWords, givenFilterOptions } from './filter-options.ts';
import { parseDurationMs, parseSizeBytes } from './options.ts';

export interface TraceOptions extends FilterWords {
  readonly detail: Detail;
  readonly sample: number;
  readonly everywhere?: true;
  readonly states?: true;
  readonly refusals?: true;
  readonly backend?: Backend;
  readonly duration?: number;
  readonly buffer?: number;
}

const PAGE = 4096;
const LARGEST = 2 ** 30;
const MOST_SAMPLED = 1_000_000;

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

/** `1/16`: one of 16. */
function parseSample(text: string): number {
  const count = Number(/^1\/(\d+)$/.exec(text)?.[1]);
  if (count >= 1 && count <= MOST_SAMPLED) return count;
  throw new TraceError(
    'usage',
    `sample: found "${text}", needed 1/N with N from 1 to ${MOST_SAMPLED}`,
    {
      hint: 'for example 1/16',
    },
  );
}

export function addTraceOptions(command: Command): Command {
  return addFilterOptions(command)
    .addOption(
      new Option(
        '--detail <level>',
        'flows; packets: and their hooks; visits: and time in each hook',
      )
        .choices(DETAILS)
        .default('packets'),
    )
    .addOption(
      new Option('--sample <1/N>', 'whole flows, one of N, chosen by a hash')
        .argParser(parseSample)
        .default(1, 'every flow'),
    )
    .option('--everywhere', 'packets too in namespaces and at hooks where conntrack is not at work')
    .option(
      '--refusals',
      'tell each packet that conntrack refuses, and each search for a port: a probe on every packet',
    )
    .addOption(
      new Option(
        '--backend <kind>',
        'how probes are attached (default: fentry where possible)',
      ).choices(BACKENDS),
    )
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
  const given = givenLiveOptions(options);
  if (given.length === 0) return;
  throw new TraceError('usage', `found --from with --${given.join(', --')}, needed one of them`, {
    hint: 'leave --from away to trace live',
  });
}

/** Names of the options given that only a live trace has. */
export function givenLiveOptions(options: TraceOptions): string[] {
  return [
    ...givenFilterOptions(options),
    ...(['everywhere', 'refusals', 'backend', 'duration', 'buffer'] as const).filter(
      (name) => options[name] !== undefined,
    ),
    ...(options.detail === 'packets' ? [] : ['detail']),
    ...(options.sample === 1 ? [] : ['sample']),
  ];
}

export function sessionOptions(options: TraceOptions): SessionOptions {
  const { buffer, detail, sample, backend } = options;
  const { everywhere = false, states = false, refusals = false } = options;
  const traced = { ringBytes: buffer, detail, sample, everywhere, states, refusals, backend };
  return { ...filterWords(options), ...traced };
}

/** For a file or a stream, which hold one table. */
export function tableOption(): Option {
  return new Option('--table <name>', 'which table, where the output holds only one')
    .choices(TABLES.map(({ name }) => name))
    .default('packets');
}
