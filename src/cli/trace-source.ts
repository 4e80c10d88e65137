/**
 * Where the tables to look at come from: a live trace, a capture, or files
 * already written. Commands that only read do not care which.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { startsAsCapture } from '../export/capture-reader.ts';
import { FACTS_KEY, LEDGER_KEY, RUN_KEY, TIMES_KEY } from '../export/metadata.ts';
import { readDataset, readMetadata } from '../export/read-dataset.ts';
import { TraceError } from '../model/error.ts';
import type { TraceFacts, TraceTimes } from '../model/facts.ts';
import type { Ledger } from '../model/ledger.ts';
import { TABLES, type TableName } from '../model/tables.ts';
import type { RulesChange } from '../rebuild/decided-rules.ts';
import { openCaptureTables } from './capture-tables.ts';
import { WATCHED_LATENCY_MS } from './latency.ts';
import { LiveTrace } from './live-trace.ts';
import { onStopSignal } from './stop-signals.ts';
import type { NamedBatch } from './tables.ts';
import { sessionOptions, type TraceOptions } from './trace-options.ts';

/** What a trace says about itself; facts come first, the ledger when it has ended. */
export interface TraceSink {
  /** `changes` of rules: those seen so far, more while the trace goes on; none of files. */
  facts(facts: TraceFacts, changes: readonly RulesChange[]): void;
  batch(named: NamedBatch): Promise<void>;
  /** Of a recorded trace that was not cut short, and whose maker kept them. */
  times?(times: TraceTimes): void;
}

/** Files give their tables in the order of `tables`. Resolves to the ledger; null where there is none. */
export async function readTrace(
  from: string,
  tables: readonly TableName[],
  sink: TraceSink,
): Promise<Ledger | null> {
  const place = await traceIn(from);
  const found = await stat(place).catch(() => undefined);
  if (found === undefined) {
    throw new TraceError('missing', `${from} is not there, needed a dataset folder or a file`, {
      hint: 'conntrail record --duration 5s --out trace',
    });
  }
  const asCapture = found.isFile() && (await startsAsCapture(place));
  return asCapture ? readCapture(place, tables, sink) : readFiles(place, tables, sink);
}

/** A file that holds the rows of one table: no folder, no capture. */
export async function isOneTable(from: string): Promise<boolean> {
  const place = await traceIn(from);
  const found = await stat(place).catch(() => undefined);
  return found?.isFile() === true && !(await startsAsCapture(place));
}

const MAY_LACK: readonly TableName[] = ['rules', 'states', 'failures'];

/** The lab leaves its trace, `trace` or `trace.capture`, in a folder. */
async function traceIn(from: string): Promise<string> {
  const names = await readdir(from).catch((): string[] => []);
  if (names.some((name) => name.startsWith('table='))) return from;
  const [name] = ['trace', 'trace.capture'].filter((one) => names.includes(one));
  return name === undefined ? from : join(from, name);
}

async function readCapture(
  from: string,
  tables: readonly TableName[],
  sink: TraceSink,
): Promise<Ledger | null> {
  const capture = await openCaptureTables(from);
  try {
    sink.facts(capture.facts, capture.rulesChanges);
    if (capture.truncated !== undefined) process.stderr.write(`${capture.truncated}\n`);
    const batches = capture.batches();
    for (;;) {
      const next = await batches.next();
      if (next.done) {
        if (capture.truncated !== undefined) return null;
        sink.times?.(next.value);
        return next.value.ledger;
      }
      if (tables.includes(next.value.table)) await sink.batch(next.value);
    }
  } finally {
    await capture.close();
  }
}

async function readFiles(
  from: string,
  tables: readonly TableName[],
  sink: TraceSink,
): Promise<Ledger | null> {
  const runs = await readMetadata(from);
  const newest = runs.at(-1)?.metadata ?? {};
  const facts = newest[FACTS_KEY];
  if (facts === undefined) {
    throw new TraceError('corrupt', `${from} carries no ${FACTS_KEY}, needed files of conntrail`);
  }
  sink.facts(JSON.parse(facts) as TraceFacts, []);
  const warn = (line: string): void => void process.stderr.write(`${line}\n`);
  if (runs.length > 1) warn(`${runs.length} runs in ${from}: reading the newest`);
  const run = runs.length > 1 ? newest[RUN_KEY] : undefined;
  for (const name of tables) {
    if (!(await hasTable(from, name, tables.length === 1))) continue;
    const table = TABLES.find((one) => one.name === name)!;
    for await (const batch of readDataset(from, table, {
      warn,
      ...(run === undefined ? {} : { run }),
    })) {
      await sink.batch({ table: name, batch });
    }
  }
  const times = newest[TIMES_KEY];
  if (times !== undefined) sink.times?.(JSON.parse(times) as TraceTimes);
  const ledger = newest[LEDGER_KEY];
  return ledger === undefined ? null : (JSON.parse(ledger) as Ledger);
}

/**
 * Traces of an older version lack tables, and of a machine without NAT rules that
 * of rules. A file has one: that which is asked for, if it is the only one.
 */
async function hasTable(from: string, name: TableName, isAlone: boolean): Promise<boolean> {
  if (!MAY_LACK.includes(name)) return true;
  if (isAlone && (await stat(from)).isFile()) return true;
  const folder = await stat(join(from, `table=${name}`)).catch(() => undefined);
  return folder?.isDirectory() ?? false;
}

/** A live trace until its duration is over or somebody stops it. */
export async function traceLive(
  options: TraceOptions & { readonly readyFile?: string },
  tables: readonly TableName[],
  sink: TraceSink,
  onStarted: () => void = () => undefined,
): Promise<Ledger> {
  const trace = LiveTrace.open(sessionOptions(options));
  const release = onStopSignal(() => trace.stop());
  try {
    sink.facts(trace.facts, trace.rulesChanges);
    const sinks = {
      needsTables: true,
      drained: async () => undefined,
      batch: async (named: NamedBatch) => {
        if (tables.includes(named.table)) await sink.batch(named);
      },
    };
    const { duration: durationMs } = options;
    const latencyMs = WATCHED_LATENCY_MS;
    const readsRules = tables.includes('rules');
    return (await trace.run(sinks, { onStarted, durationMs, latencyMs, readsRules })).ledger;
  } finally {
    release();
    await trace.close();
  }
}
