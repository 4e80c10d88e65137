/** What `conntrail record` does; record.ts says how it is called. */

import { statSync, writeFileSync } from 'node:fs';
import { copyBatch } from '../columns/batch.ts';
import { fileError, TraceError } from '../model/error.ts';
import type { TraceEnd } from '../model/facts.ts';
import { describeLedger, totalLost } from '../model/ledger.ts';
import type { ProbeChange } from '../model/probe-change.ts';
import type { TableName } from '../model/tables.ts';
import { type Destination, openDestination } from './destination.ts';
import { Exit, endWith } from './exit.ts';
import { reportExplained } from './explained.ts';
import { RECORDED_LATENCY_MS, STREAMED_LATENCY_MS } from './latency.ts';
import { LiveTrace } from './live-trace.ts';
import { Progress, sizeText } from './progress.ts';
import { onStopSignal } from './stop-signals.ts';
import { sessionOptions, type TraceOptions } from './trace-options.ts';

export interface RecordOptions extends TraceOptions {
  readonly out: readonly string[];
  readonly table: TableName;
  readonly readyFile?: string;
  readonly quiet?: boolean;
}

export async function record(options: RecordOptions): Promise<void> {
  if (options.out.filter((place) => place === '-').length > 1) {
    throw new TraceError('usage', '--out - is given twice, there is one standard output');
  }
  const trace = LiveTrace.open(sessionOptions(options));
  const destinations: Destination[] = [];
  const release = onStopSignal(() => trace.stop()); // until all files are completed
  try {
    for (const place of options.out) {
      destinations.push(await openDestination(place, { facts: trace.facts, table: options.table }));
    }
    const end = await runInto(trace, destinations, options);
    await trace.close();
    const places = await closeAll(destinations, end);
    if (!options.quiet) {
      const { netnsNames } = trace.facts;
      reportExplained(end.ledger, (inode) => netnsNames[inode] ?? String(inode));
      process.stderr.write(summary(end, places));
    }
    if (totalLost(end.ledger) > 0) endWith(Exit.losses);
  } catch (error) {
    await trace.close();
    for (const destination of destinations) await destination.abort();
    throw error;
  } finally {
    release();
  }
}

async function runInto(
  trace: LiveTrace,
  destinations: readonly Destination[],
  { quiet = false, readyFile, duration, out }: RecordOptions,
): Promise<TraceEnd> {
  const progress = new Progress(quiet, () => progressLine(trace, destinations));
  const keepers = destinations.filter(({ keepsTables }) => keepsTables);
  try {
    return await trace.run(
      {
        needsTables: keepers.length > 0,
        drained: async (bytes, horizonNs) => {
          for (const place of destinations) await place.addDrained(bytes, horizonNs);
        },
        batch: async ({ table, batch }) => {
          for (const place of keepers.slice(1)) {
            await place.addBatch({ table, batch: copyBatch(batch) });
          }
          await keepers[0]?.addBatch({ table, batch }); // takes it away
        },
      },
      {
        onStarted: () => {
          if (!quiet && process.stderr.isTTY) process.stderr.write('tracing, Ctrl-C ends\n');
          signalReady(readyFile);
        },
        onProbes: (change) => {
          if (!quiet) process.stderr.write(changeText(change));
        },
        durationMs: duration,
        readsRules: true,
        latencyMs: out.some(isStream) ? STREAMED_LATENCY_MS : RECORDED_LATENCY_MS,
      },
    );
  } finally {
    progress.end();
  }
}

/** Modules of the kernel came or went: what can be seen now. */
function changeText({ attached, lost, refused }: ProbeChange): string {
  const lines = [
    ...(attached.length > 0 ? [`attached later: ${attached.join(', ')}`] : []),
    ...(lost.length > 0 ? [`lost with their module: ${lost.join(', ')}`] : []),
    ...refused.map((reason) => `not attached: ${reason}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** Does somebody read at its other end? */
function isStream(place: string): boolean {
  const there = place === '-' ? undefined : statSync(place, { throwIfNoEntry: false });
  return place === '-' || there?.isFIFO() === true || there?.isCharacterDevice() === true;
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
