/** The obvious implementation, drain by drain: objects, Maps, JSON lines; timed stage by stage. */
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { FLOWS, PACKETS, type TableName } from '../../../src/model/tables.ts';
import type { Enlarged } from '../enlarge.ts';
import { begin, cpuMs, type StageTimes, type Whole } from '../figures.ts';
import { symbolOf } from '../ours.ts';
import { Rings } from '../rings.ts';
import { obviousBatch } from './arrow.ts';
import { JsonLines } from './json-lines.ts';
import { Order } from './order.ts';
import { ObviousRebuild } from './rebuild.ts';
import { decodeAll, type TraceRecord } from './record.ts';
import type { Row } from './rows.ts';

export interface Options {
  readonly folder: string;
  readonly batchRows: number;
}

export interface RowsSink {
  rows(table: TableName, rows: Row[]): void;
}

/** From bytes to rows. */
export class ObviousTables {
  readonly times = { order: 0, rebuild: 0 };
  private readonly order = new Order();
  private readonly batchRows: number;
  private readonly rebuild: ObviousRebuild;
  private readonly sink: RowsSink;
  private readonly rows: Record<'packets' | 'flows', Row[]> = { packets: [], flows: [] };

  constructor({ facts, symbols }: Enlarged, batchRows: number, sink: RowsSink) {
    this.batchRows = batchRows;
    this.sink = sink;
    this.rebuild = new ObviousRebuild(facts, (address) => symbolOf(symbols, address), {
      packet: (row) => this.rows.packets.push(row),
      flow: (row) => this.rows.flows.push(row),
    });
  }

  add(bytes: Uint8Array, horizonNs: bigint): void {
    const startMs = cpuMs();
    const records = this.order.add(decodeAll(bytes), horizonNs);
    this.times.order += cpuMs() - startMs;
    this.see(records);
    this.handOn(this.batchRows);
  }

  finish(): void {
    this.see(this.order.rest());
    const startMs = cpuMs();
    this.rebuild.finish();
    this.times.rebuild += cpuMs() - startMs;
    this.handOn(this.batchRows);
    this.handOn(1);
  }

  private see(records: readonly TraceRecord[]): void {
    const startMs = cpuMs();
    for (const record of records) this.rebuild.record(record);
    this.times.rebuild += cpuMs() - startMs;
  }

  private handOn(least: number): void {
    for (const table of ['packets', 'flows'] as const) {
      while (this.rows[table].length >= least) {
        const ready = this.rows[table].slice(0, this.batchRows);
        this.rows[table] = this.rows[table].slice(this.batchRows);
        this.sink.rows(table, ready);
      }
    }
  }
}

/** To JSON lines, over conntrail's own drain: the drain's ratio is shown by itself. */
export async function obviousWhole(
  enlarged: Enlarged,
  { folder, batchRows }: Options,
): Promise<Whole> {
  const rings = new Rings(enlarged.facts.cpus);
  const files = openFiles(folder);
  const tables = new ObviousTables(enlarged, batchRows, {
    rows: (table, rows) => files[table].write(rows),
  });
  const end = begin();
  for (const slice of enlarged.slices) {
    rings.fill(slice);
    tables.add(rings.take(), slice.horizonNs);
  }
  tables.finish();
  for (const file of Object.values(files)) file.close();
  const times = end();
  await rings.close();
  return { ...times, packets: files.packets.written, flows: files.flows.written };
}

/** All stages in one run: kept from stage to stage, a million objects would not fit. */
export async function obviousStages(
  enlarged: Enlarged,
  { folder, batchRows }: Options,
  onBatch: (table: TableName, batch: RecordBatch) => void,
): Promise<StageTimes> {
  const rings = new Rings(enlarged.facts.cpus);
  const files = openFiles(folder);
  const times = { batches: 0, written: 0 };
  const tables = new ObviousTables(enlarged, batchRows, {
    rows: (name, rows) => {
      const startMs = cpuMs();
      const batch = obviousBatch(name === 'packets' ? PACKETS : FLOWS, rows);
      const builtMs = cpuMs();
      files[name].write(rows);
      times.batches += builtMs - startMs;
      times.written += cpuMs() - builtMs;
      onBatch(name, batch);
    },
  });
  for (const slice of enlarged.slices) {
    rings.fill(slice);
    tables.add(rings.take(), slice.horizonNs);
  }
  tables.finish();
  for (const file of Object.values(files)) file.close();
  await rings.close();
  const drain = await drainOneByOne(enlarged);
  const { order, rebuild } = tables.times;
  const batched = drain + order + rebuild + times.batches;
  return { ...times, order, rebuild, drain, batched };
}

/** A call per record takes so long that a part must do; as if it were the whole capture. */
async function drainOneByOne(enlarged: Enlarged): Promise<number> {
  const rings = new Rings(enlarged.facts.cpus);
  const slice = enlarged.slices[enlarged.slices.length >>> 1]!;
  const perCpu = slice.perCpu.map((records) => records.subarray(0, 96 * 512));
  rings.fill({ ...slice, perCpu });
  const wanted = perCpu.reduce((sum, records) => sum + records.length, 0);
  const taken = rings.takeOneByOne();
  await rings.close();
  if (taken.length !== wanted) throw new Error(`drained ${taken.length} of ${wanted} bytes`);
  return (rings.takenMs * enlarged.records * 96) / wanted;
}

function openFiles(folder: string): Record<TableName, JsonLines> {
  const open = (table: TableName) => new JsonLines(join(folder, `${table}.jsonl`));
  return {
    packets: open('packets'),
    flows: open('flows'),
    rules: open('rules'),
    states: open('states'),
    failures: open('failures'),
    losses: open('losses'),
  };
}
