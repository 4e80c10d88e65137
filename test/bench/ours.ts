/** What conntrail does with drained bytes: each stage alone, and all of it as `record` runs it. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { type NamedBatch, TraceTables } from '../../src/cli/tables.ts';
import { BatchBuilder } from '../../src/columns/batch.ts';
import { columnBatch } from '../../src/columns/column-batch.ts';
import { NameBytes } from '../../src/columns/names.ts';
import { giveBack } from '../../src/export/batch-memory.ts';
import { openOutput } from '../../src/export/output.ts';
import type { Output, Written } from '../../src/export/output-shape.ts';
import { type BlockVisitor, Merge } from '../../src/libbpf/merge.ts';
import type { Columns } from '../../src/model/columns.ts';
import type { TraceFacts } from '../../src/model/facts.ts';
import { columnMemory } from '../../src/model/memory.ts';
import { RowBuffer } from '../../src/model/rows.ts';
import { FLOWS, TABLES, type TableName } from '../../src/model/tables.ts';
import type { RebuildOptions } from '../../src/rebuild/options.ts';
import { Rebuild } from '../../src/rebuild/rebuild.ts';
import { recordBytes } from '../../src/wire/layout.ts';
import { recordWords } from '../../src/wire/words.ts';
import type { Enlarged, Slice } from './enlarge.ts';
import { begin, cpuMs, type StageTimes, type Whole, type WrittenTable } from './figures.ts';
import { Rings } from './rings.ts';

export function openTables({ facts, symbols }: Enlarged): TraceTables {
  return new TraceTables(facts, (address) => symbolOf(symbols, address));
}

export function symbolOf(symbols: Enlarged['symbols'], address: bigint): string {
  const key = `0x${address.toString(16)}`;
  return symbols[key] ?? key;
}

export async function ourWhole(enlarged: Enlarged, folder: string): Promise<Whole> {
  const rings = new Rings(enlarged.facts.cpus);
  const tables = openTables(enlarged);
  const output = await openFolder(enlarged.facts, folder);
  const end = begin();
  for (const slice of enlarged.slices) {
    rings.fill(slice);
    tables.add(rings.take(), slice.horizonNs);
    for (const named of tables.takeReady()) await write(output, named);
  }
  tables.finish();
  for (const named of tables.takeReady()) await write(output, named);
  const written = await output.close({});
  const times = end();
  await rings.close();
  if (tables.evicted > 0) throw new Error('rows were given up');
  return {
    ...times,
    packets: sumOf(written, 'packets'),
    flows: sumOf(written, 'flows'),
  };
}

function sumOf({ files }: Written, table: TableName): WrittenTable {
  const parts = files.filter((file) => file.table === table);
  const sum = (what: 'rows' | 'bytes') => parts.reduce((so, file) => so + file[what], 0);
  return { rows: sum('rows'), bytes: sum('bytes') };
}

/** A dataset, each time in a folder of its own. */
async function openFolder(facts: TraceFacts, folder: string): Promise<Output> {
  return openOutput(await mkdtemp(join(folder, 'dataset-')), TABLES, { facts });
}

async function write(output: Output, { table, batch }: NamedBatch): Promise<void> {
  await output.write(table, batch);
}

/** Stage by stage, each over the whole capture, its input made before its time begins. */
export async function ourStages(enlarged: Enlarged, folder: string): Promise<StageTimes> {
  const drained = await drainAll(enlarged);
  const merge = mergeAll(enlarged, drained.slices, () => undefined);
  const ordered = orderedOf(enlarged, drained.slices);
  const nowhere = { onPackets: forget, onRows: () => undefined };
  const rebuild = rebuildAll(enlarged, ordered, nowhere);
  const packets: Columns[] = [];
  const flows: RowBuffer[] = [];
  const { names } = rebuildAll(enlarged, ordered, {
    onPackets: (columns) => packets.push(columns),
    onRows: (full) => flows.push(copyOf(full)),
  });
  const batches = batchAll(enlarged, packets, flows, names);
  const startMs = cpuMs();
  const output = await openFolder(enlarged.facts, folder);
  for (const named of batches.ready) await write(output, named);
  await output.close({});
  const written = cpuMs() - startMs;
  const batched = await batchedMs(enlarged);
  const ms = { order: merge, rebuild: rebuild.ms, batches: batches.ms, batched, written };
  return { drain: drained.ms, ...ms };
}

/** Its memory is used again, as when a batch was written. */
function forget(columns: Columns): void {
  for (const { values } of columns.columns) {
    if (values && columnMemory.isTaken(values.buffer)) columnMemory.give(values.buffer);
  }
}

/** From the rings to batches that somebody has looked at and forgotten; filling the rings is not in it. */
async function batchedMs(enlarged: Enlarged): Promise<number> {
  const rings = new Rings(enlarged.facts.cpus);
  const tables = openTables(enlarged);
  let ms = 0;
  for (const slice of enlarged.slices) {
    rings.fill(slice);
    const startMs = cpuMs();
    tables.add(rings.take(), slice.horizonNs);
    for (const { batch } of tables.takeReady()) giveBack(batch);
    ms += cpuMs() - startMs;
  }
  tables.finish();
  await rings.close();
  return ms;
}

async function drainAll(enlarged: Enlarged): Promise<{ slices: Slice[]; ms: number }> {
  const rings = new Rings(enlarged.facts.cpus);
  const slices: Slice[] = [];
  for (const slice of enlarged.slices) {
    rings.fill(slice);
    slices.push({ perCpu: [rings.take().slice()], horizonNs: slice.horizonNs });
  }
  await rings.close();
  return { slices, ms: rings.takenMs };
}

function mergeAll({ facts }: Enlarged, slices: readonly Slice[], visit: BlockVisitor): number {
  const merge = new Merge(facts.cpus);
  const startMs = cpuMs();
  for (const { perCpu, horizonNs } of slices) {
    merge.add(perCpu[0]!);
    const high = Number(BigInt.asIntN(32, horizonNs >> 32n));
    merge.release(high, Number(BigInt.asIntN(32, horizonNs)), visit);
  }
  merge.releaseAll(visit);
  merge.close();
  return cpuMs() - startMs;
}

function orderedOf(enlarged: Enlarged, slices: readonly Slice[]): Int32Array {
  const ordered = new Int32Array((enlarged.records * recordBytes) / 4);
  let end = 0;
  mergeAll(enlarged, slices, (words, records) => {
    ordered.set(words.subarray(0, records * recordWords), end);
    end += records * recordWords;
  });
  return ordered;
}

function rebuildAll(
  { facts, symbols }: Enlarged,
  ordered: Int32Array,
  sinks: Pick<RebuildOptions, 'onPackets' | 'onRows'>,
): { ms: number; names: readonly string[] } {
  const rebuild = new Rebuild({
    cpus: facts.cpus,
    dropReason: (reason) => facts.dropReasons[reason] ?? String(reason),
    symbol: (low, high) => symbolOf(symbols, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)),
    clockOffsetNs: BigInt(facts.clockOffsetNs),
    ...sinks,
  });
  const startMs = cpuMs();
  const block = 4096 * recordWords; // as a merge hands them out
  for (let at = 0; at < ordered.length; at += block) {
    const words = ordered.subarray(at, at + block);
    rebuild.records(words, words.length / recordWords);
  }
  rebuild.finish();
  return { ms: cpuMs() - startMs, names: rebuild.names.names };
}

function copyOf(rows: RowBuffer): RowBuffer {
  const copy = new RowBuffer(rows.table, rows.length);
  copy.words.set(rows.words.subarray(0, copy.words.length));
  copy.length = rows.length;
  return copy;
}

function batchAll(
  { facts }: Enlarged,
  packets: readonly Columns[],
  flows: readonly RowBuffer[],
  names: readonly string[],
): { ready: NamedBatch[]; ms: number } {
  const context = { clockOffsetNs: BigInt(facts.clockOffsetNs), names };
  const builder = new BatchBuilder(FLOWS, context);
  const nameBytes = new NameBytes(names);
  const startMs = cpuMs();
  const ready: NamedBatch[] = [
    ...packets.map((columns) => ({
      table: 'packets' as const,
      batch: columnBatch(columns, nameBytes),
    })),
    ...flows.map(({ words, length }) => ({
      table: 'flows' as const,
      batch: builder.batch(words, length),
    })),
  ];
  return { ready, ms: cpuMs() - startMs };
}
