import { writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { fileError, TraceError } from '../model/error.ts';
import type { TraceEnd } from '../model/facts.ts';
import { describeLedger, totalLost } from '../model/ledger.ts';
import { TABLES, type TableName } from '../model/tables.ts';
import { type Destination, openDestination } from './destination.ts';
import { Exit, endWith } from './exit.ts';
import { LiveTrace } from './live-trace.ts';
import { Progress, sizeText } from './progress.ts';
import { onStopSignal } from './stop-signals.ts';
import { addTraceOptions, sessionOptions, type TraceOptions } from './trace-options.ts';

interface RecordOptions extends TraceOptions {
  readonly out: readonly string[];
  readonly table: TableName;
  readonly readyFile?: string;
  readonly quiet?: boolean;
}

export function recordCommand(): Command {
  const command = new Command('record')
    .description('Trace live and write the tables, or the raw records, to files.')
    .addOption(
      new Option(
        '--out <place>',
        'dataset folder, FILE.parquet, FILE.arrow, FILE.capture, or - for an Arrow stream; may be given more than once',
      )
        .argParser((place: string, places: string[] = []) => [...places, place])
        .makeOptionMandatory(),
    )
    .addOption(tableOption());
  return addTraceOptions(command)
    .option('--ready-file <file>', 'made when the probes are in place')
    .option('-q, --quiet', 'no progress and no summary on stderr')
    .addHelpText('after', HELP)
    .action(record);
}

/** For a file or a stream, which hold one table. */
export function tableOption(): Option {
  return new Option('--table <name>', 'which table, where the output holds only one')
    .choices(TABLES.map(({ name }) => name))
    .default('packets');
}

async function record(options: RecordOptions): Promise<void> {
  if (options.out.filter((place) => place === '-').length > 1) {
    throw new TraceError('usage', '--out - is given twice, there is one standard output');
  }
  const trace = LiveTrace.open(sessionOptions(options));
  const destinations: Destination[] = [];
  try {
    for (const place of options.out) {
      destinations.push(await openDestination(place, { facts: trace.facts, table: options.table }));
    }
    const end = await runInto(trace, destinations, options);
    await trace.close();
    const places = await closeAll(destinations, end);
    if (!options.quiet) process.stderr.write(summary(end, places));
    if (totalLost(end.ledger) > 0) endWith(Exit.losses);
  } catch (error) {
    await trace.close();
    for (const destination of destinations) await destination.abort();
    throw error;
  }
}

async function runInto(
  trace: LiveTrace,
  destinations: readonly Destination[],
  { quiet = false, readyFile, duration }: RecordOptions,
): Promise<TraceEnd> {
  const release = onStopSignal(() => trace.stop());
  const progress = new Progress(quiet, () => progressLine(trace, destinations));
  try {
    return await trace.run(
      {
        drained: async (bytes, horizonNs) => {
          for (const place of destinations) await place.addDrained(bytes, horizonNs);
        },
        batch: async (named) => {
          for (const place of destinations) await place.addBatch(named);
        },
      },
      () => signalReady(readyFile),
      duration,
    );
  } finally {
    progress.end();
    release();
  }
}

function signalReady(file: string | undefined): void {
  if (file === undefined) return;
  try {
    writeFileSync(file, '', { mode: 0o600 });
  } catch (error) {
    throw fileError('write', file, error);
  }
}

async function closeAll(
  destinations: readonly Destination[],
  end: TraceEnd,
): Promise<readonly string[]> {
  for (const destination of destinations) await destination.close(end);
  return destinations.map(({ target }) => target);
}

function progressLine(trace: LiveTrace, destinations: readonly Destination[]): string {
  const written = destinations.reduce((sum, { bytes }) => sum + bytes, 0);
  return `${trace.delivered} records, ${trace.skipped} lost, ${sizeText(written)} written`;
}

function summary(end: TraceEnd, places: readonly string[]): string {
  const files = places.filter((place) => place !== '-');
  const where = files.length === 0 ? '' : `written: ${files.join(', ')}\n`;
  return `${describeLedger(end.ledger)}\n${where}`;
}

const HELP = `
Exit status: 0 done, 1 failed, 2 wrong usage, 3 finished with losses

Examples:
  $ conntrail record --duration 5s --out trace
  $ conntrail record --duration 5s --out trace --filter 'udp and port 53'
  $ conntrail record --duration 5s --out trace.capture --buffer 16MiB
  $ conntrail record --duration 5s --out - | wc -c`;
