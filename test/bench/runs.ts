/** What a child process does: one thing, so that neither heap nor compiled code is shared. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { FLOWS, PACKETS, type TableName } from '../../src/model/tables.ts';
import { type Enlarged, enlarge } from './enlarge.ts';
import { assertSameValues } from './equality.ts';
import { type Runs, STAGES, type StageTimes, type Whole, type WholeRun } from './figures.ts';
import { parsedLines } from './lines.ts';
import { obviousStages, obviousWhole } from './obvious/pipeline.ts';
import { openTables, ourStages, ourWhole } from './ours.ts';
import { Rings } from './rings.ts';

const LEAST_RECORDS = 1_000_000;
/** Of our stages, which take little time, the median of so many. */
const TIMES = 3;

export async function run<Name extends keyof Runs>(
  name: Name,
  paths: readonly string[],
): Promise<Runs[Name]> {
  const enlarged = await enlarge(paths, LEAST_RECORDS);
  const folder = await mkdtemp(join(tmpdir(), 'conntrail-bench-'));
  try {
    return await RUNS[name](enlarged, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

type Run<Result> = (enlarged: Enlarged, folder: string) => Promise<Result>;

const RUNS: { readonly [Name in keyof Runs]: Run<Runs[Name]> } = {
  equal: equalThenTimed,
  stages: medianStages,
  text: parsedLines,
  ours: async (enlarged, folder) => withPeak(enlarged, await ourWhole(enlarged, folder)),
  oursAgain: async (enlarged, folder) => {
    await ourWhole(enlarged, folder);
    return ourWhole(enlarged, folder);
  },
  obvious: async (enlarged, folder) =>
    withPeak(enlarged, await obviousWhole(enlarged, { folder, batchRows: 16_384 })),
};

/** Both implementations over the same capture: the same rows, or there is nothing to compare. */
async function equalThenTimed(enlarged: Enlarged, folder: string): Promise<Runs['equal']> {
  const ours = await batchesOf(enlarged);
  const next = { packets: 0, flows: 0, rules: 0, failures: 0, losses: 0, states: 0 };
  const rows = { packets: 0, flows: 0, rules: 0, failures: 0, losses: 0, states: 0 };
  const batchRows = Math.max(...ours.packets.map(({ numRows }) => numRows));
  const times = await obviousStages(enlarged, { folder, batchRows }, (table, theirs) => {
    const our = ours[table][next[table]++];
    assert.ok(our !== undefined, `${table}: the obvious implementation has more rows`);
    assertSameValues(table === 'packets' ? PACKETS : FLOWS, our, theirs, rows[table]);
    rows[table] += theirs.numRows;
  });
  for (const table of ['packets', 'flows'] as const) {
    assert.equal(next[table], ours[table].length, `${table}: conntrail has more rows`);
  }
  return { times, records: enlarged.records, copies: enlarged.copies };
}

async function batchesOf(enlarged: Enlarged): Promise<Record<TableName, RecordBatch[]>> {
  const batches: Record<TableName, RecordBatch[]> = {
    packets: [],
    flows: [],
    rules: [],
    failures: [],
    losses: [],
    states: [],
  };
  const rings = new Rings(enlarged.facts.cpus);
  const tables = openTables(enlarged);
  for (const slice of enlarged.slices) {
    rings.fill(slice);
    tables.add(rings.take(), slice.horizonNs);
  }
  tables.finish();
  await rings.close();
  for (const { table, batch } of tables.takeReady()) batches[table].push(batch);
  return batches;
}

async function medianStages(enlarged: Enlarged, folder: string): Promise<StageTimes> {
  const all: StageTimes[] = [];
  for (let turn = 0; turn < TIMES; turn++) all.push(await ourStages(enlarged, folder));
  const entries = STAGES.map((stage) => {
    const sorted = all.map((times) => times[stage]).sort((a, b) => a - b);
    return [stage, sorted[TIMES >>> 1]!];
  });
  return Object.fromEntries(entries) as StageTimes;
}

function withPeak({ slices }: Enlarged, whole: Whole): WholeRun {
  const waiting = slices
    .flatMap(({ perCpu }) => perCpu)
    .reduce((sum, { length }) => sum + length, 0);
  return { ...whole, peakBytes: process.resourceUsage().maxRSS * 1024 - waiting };
}
