/** What a record costs, and what memory is taken, by the length of one run into Parquet files. */
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ledgerRows } from '../../../src/capture/kernel-counters.ts';
import { RECORDED_LATENCY_MS } from '../../../src/cli/latency.ts';
import { openOutput } from '../../../src/export/output.ts';
import type { Output, Written } from '../../../src/export/output-shape.ts';
import { imbalance, type LedgerRow } from '../../../src/model/ledger.ts';
import { TABLES, type TableName } from '../../../src/model/tables.ts';
import { RecordKind } from '../../../src/wire/layout.ts';
import { begin } from '../figures.ts';
import { DRAIN_BYTES, Line } from './line.ts';
import { type Memory, memoryNow, peakBytes } from './memory.ts';

const CPUS = 4;
const RING_BYTES = 8 << 20;
const FLOWS = 16_384;
const PACKETS_PER_FLOW = 20;
const LOSE_EVERY = 250_000;
/** In the files, at most. */
const RECORD_ROOM_BYTES = 40;
/** Rings that are full all the time are never waited for. */
const LATENCY_MS = 100;
/** As in a live trace. */
const FLUSH_MS = 1000;
const SAMPLES = 50;

export interface LengthCase {
  readonly records: number;
  /** How many come; absent: as fast as they are taken. */
  readonly perSecond?: number;
}

/** From the mark before to this one. */
export interface Mark {
  readonly records: number;
  /** CPU nanoseconds per record of the process without the producer. */
  readonly cpuNs: number;
  readonly elapsedMs: number;
  readonly memory: Memory;
  /** Largest resident set from the start to here. */
  readonly peakBytes: number;
  /** Most records that were drained and waited for their turn. */
  readonly waiting: number;
}

export interface Sample {
  readonly records: number;
  readonly memory: Memory;
}

export interface LengthRun {
  readonly marks: readonly Mark[];
  /** On the way, evenly. */
  readonly samples: readonly Sample[];
  readonly sent: number;
  readonly delivered: number;
  readonly lost: number;
  readonly packets: number;
  readonly flows: number;
  readonly fileBytes: number;
  readonly closeMs: number;
  /** How often the producer found a ring full. */
  readonly waits: number;
}

/** Where decades end, from the first million on; the last one ends with the run. */
export function marksOf(records: number): number[] {
  const marks: number[] = [];
  for (let mark = 1_000_000; mark < records; mark *= 10) marks.push(mark);
  return marks;
}

export async function runLength(one: LengthCase): Promise<LengthRun> {
  await needRoom(one.records);
  const folder = await mkdtemp(join(tmpdir(), 'conntrail-bench-'));
  const line = new Line({
    cpus: CPUS,
    rings: CPUS,
    ringBytes: RING_BYTES,
    flows: FLOWS,
    packetsPerFlow: PACKETS_PER_FLOW,
    loseEvery: LOSE_EVERY,
    wakeBytes: one.perSecond === undefined ? 1 : RING_BYTES / 8,
  });
  try {
    const output = await openOutput(join(folder, 'dataset'), TABLES, { facts: line.facts });
    return await new LengthTrace(line, output, one).run();
  } finally {
    await line.close();
    await rm(folder, { recursive: true });
  }
}

async function needRoom(records: number): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir());
  const [found, needed] = [bavail * bsize, records * RECORD_ROOM_BYTES];
  if (found >= needed) return;
  throw new Error(`found ${found >> 20} MiB free in ${tmpdir()}, needed ${needed >> 20}`);
}

class LengthTrace {
  private readonly line: Line;
  private readonly output: Output;
  private readonly records: number;
  private readonly perSecond: number | undefined;
  private readonly marks: Mark[] = [];
  private readonly samples: Sample[] = [];
  private readonly ends: number[];
  private waiting = 0;
  private before = { records: 0, producerNs: 0 };
  private end = begin();
  private taken = 0;

  constructor(line: Line, output: Output, { records, perSecond }: LengthCase) {
    this.line = line;
    this.output = output;
    this.records = records;
    this.perSecond = perSecond;
    this.ends = perSecond === undefined ? marksOf(records) : [];
  }

  async run(): Promise<LengthRun> {
    const { marks, samples } = this;
    const { tables, feed } = this.line;
    feed.start(this.records, this.perSecond);
    await this.drainAll();
    tables.finish();
    await this.writeReady();
    const end = begin();
    const written = await this.output.close({});
    const { waits } = feed.look();
    return { ...this.balance(written), marks, samples, closeMs: end().cpuMs, waits };
  }

  /** As a live trace does: one buffer fills while what came of the other is written. */
  private async drainAll(): Promise<void> {
    const { drain, tables, feed } = this.line;
    const buffers = [new Uint8Array(DRAIN_BYTES), new Uint8Array(DRAIN_BYTES)];
    const latencyMs = this.perSecond === undefined ? LATENCY_MS : RECORDED_LATENCY_MS;
    let writing: Promise<void> = Promise.resolve();
    let flushedAt = performance.now();
    for (let turn = 0; ; turn++) {
      const room = buffers[turn & 1]!;
      const isLast = feed.look().made === this.records;
      const { bytes, records, horizonNs } = await drain.waitTake(room, isLast ? 0 : latencyMs);
      await writing;
      tables.add(room.subarray(0, bytes), horizonNs);
      if (performance.now() - flushedAt > FLUSH_MS) {
        tables.flush();
        flushedAt = performance.now();
      }
      writing = this.writeReady();
      this.taken += records;
      this.waiting = Math.max(this.waiting, this.taken - sumOf(tables.tally.delivered));
      if (this.taken >= (this.ends[0] ?? Number.POSITIVE_INFINITY)) this.mark();
      if (this.taken >= (this.samples.length * this.records) / SAMPLES) this.sample();
      if (isLast && bytes === 0) break;
    }
    await writing;
    this.mark();
  }

  private async writeReady(): Promise<void> {
    for (const { table, batch } of this.line.tables.takeReady()) {
      await this.output.write(table, batch);
    }
  }

  private sample(): void {
    this.samples.push({ records: this.taken, memory: memoryNow() });
  }

  private mark(): void {
    const { cpuMs, elapsedMs } = this.end();
    const producerNs = this.line.feed.look().cpuNs;
    const { before } = this;
    const cpuNs = cpuMs * 1e6 - (producerNs - before.producerNs);
    this.marks.push({
      records: this.taken,
      cpuNs: cpuNs / (this.taken - before.records),
      elapsedMs,
      memory: memoryNow(),
      peakBytes: peakBytes(),
      waiting: this.waiting,
    });
    process.stderr.write(`bench: ${this.taken} records\n`);
    this.ends.shift();
    this.waiting = 0;
    this.before = { records: this.taken, producerNs };
    this.end = begin();
  }

  /** The ledger, and the files beside it: everything that was sent is somewhere. */
  private balance(written: Written): Omit<LengthRun, 'marks' | 'samples' | 'closeMs' | 'waits'> {
    const { tables, feed } = this.line;
    const counters = feed.counters();
    for (const [cpu, { seq }] of counters.entries()) {
      tables.tally.end(cpu, seq, process.hrtime.bigint());
    }
    const { evicted, tally } = tables;
    const rows = ledgerRows(counters, tally, { evicted, recursion: null });
    const skipped = sumOf(tally.skipped);
    const sum = (of: (row: LedgerRow) => number) => rows.reduce((so, row) => so + of(row), 0);
    const [sent, delivered, lost] = [
      sum((row) => row.sent),
      sum((row) => row.delivered),
      sum((row) => row.ringFull),
    ];
    const begun = sum((row) => (row.probe === RecordKind.flow ? row.sent : 0));
    const seen = sum((row) => (row.probe === RecordKind.traversal ? row.delivered : 0));
    const rowsOf = (table: TableName) =>
      written.files.reduce((so, file) => so + (file.table === table ? file.rows : 0), 0);
    const [packets, flows] = [rowsOf('packets'), rowsOf('flows')];
    need('rows given up', evicted, 0);
    need('rows of the ledger out of balance', rows.filter((row) => imbalance(row)).length, 0);
    need('records sent', sent, this.records);
    need('records delivered and lost', delivered + lost, sent);
    need('sequence numbers missing', skipped, lost);
    need('rows of packets', packets, seen);
    need('rows of flows', flows, begun);
    return { sent, delivered, lost, packets, flows, fileBytes: written.bytes };
  }
}

function sumOf(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function need(what: string, found: number, needed: number): void {
  if (found !== needed) throw new Error(`${what}: found ${found}, needed ${needed}`);
}
