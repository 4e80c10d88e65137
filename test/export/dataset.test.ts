import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeAll, expect, it, vi } from 'vitest';
import { batchOf } from '../../src/columns/batch.ts';
import { openOutput } from '../../src/export/output.ts';
import { readDataset, readMetadata } from '../../src/export/read-dataset.ts';
import { FLOWS, LOSSES, PACKETS, TABLES } from '../../src/model/tables.ts';
import {
  CLOCK_OFFSET,
  ensureBuilt,
  FACTS,
  NAMES,
  rowsOf,
  tempFolder,
  wordsOf,
} from './fixtures.ts';
import { rowsIn } from './values.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
beforeAll(ensureBuilt);

const CONTEXT = { clockOffsetNs: CLOCK_OFFSET, names: NAMES };

function packets(count: number, first: number) {
  return batchOf(PACKETS, wordsOf(PACKETS, rowsOf(PACKETS, count, first)), count, CONTEXT);
}

function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(dir, name)).isFile())
    .sort();
}

async function record(dir: string, counts: readonly number[], partRows = 1000) {
  const output = await openOutput(dir, TABLES, { facts: FACTS, partRows });
  for (const [i, count] of counts.entries()) await output.write('packets', packets(count, i * 100));
  return output.close({ 'conntrail.ledger': '{}' });
}

it('files parts by table, node, and the UTC date and hour of their first row', async () => {
  const dir = tempFolder();
  await record(dir, [5, 6]);
  // CLOCK_OFFSET is 2025-11-21 01:17:35 UTC
  expect(filesIn(dir).map((name) => name.replace(/\d{8}T\d{6}Z-[0-9a-f]{8}/, 'RUN'))).toEqual([
    'table=failures/node=node%2F1/date=2025-11-21/hour=01/run=RUN/part-00000.parquet',
    'table=flows/node=node%2F1/date=2025-11-21/hour=01/run=RUN/part-00000.parquet',
    'table=losses/node=node%2F1/date=2025-11-21/hour=01/run=RUN/part-00000.parquet',
    'table=packets/node=node%2F1/date=2025-11-21/hour=01/run=RUN/part-00000.parquet',
    'table=rules/node=node%2F1/date=2025-11-21/hour=01/run=RUN/part-00000.parquet',
    'table=states/node=node%2F1/date=2025-11-21/hour=01/run=RUN/part-00000.parquet',
  ]);
  for (const name of filesIn(dir)) expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
});

it('begins another part when one has its rows, and reads them back in order', async () => {
  const dir = tempFolder();
  const written = await record(dir, [5, 6, 7], 10);
  expect(written.files.filter(({ table }) => table === 'packets').map(({ rows }) => rows)).toEqual([
    11, 7,
  ]);
  const found = [];
  for await (const batch of readDataset(dir, PACKETS)) found.push(...rowsIn(batch, PACKETS));
  const expected = [5, 6, 7].flatMap((count, i) => rowsOf(PACKETS, count, i * 100));
  expect(found).toEqual(expected);
});

it('completes a part by age, also when nothing more comes', async () => {
  const dir = tempFolder();
  const output = await openOutput(dir, TABLES, { facts: FACTS, partAgeMs: 50 });
  await output.write('packets', packets(4, 0));
  await vi.waitFor(() => expect(filesIn(dir).join()).toMatch(/00000\.parquet$/), 10_000);
  await output.write('packets', packets(3, 4));
  const written = await output.close({});
  expect(written.files.map(({ table, rows }) => [table, rows])).toEqual([
    ['packets', 4],
    ['packets', 3],
    ['flows', 0],
    ['rules', 0],
    ['losses', 0],
    ['states', 0],
    ['failures', 0],
  ]);
});

it('shows nobody a part under way', async () => {
  const dir = tempFolder();
  const output = await openOutput(dir, TABLES, { facts: FACTS });
  await output.write('packets', packets(4, 0));
  expect(filesIn(dir).filter((name) => /(^|\/)[^.][^/]*\.parquet$/.test(name))).toEqual([]);
  expect(filesIn(dir).length).toBe(1);
  await output.abort();
  expect(filesIn(dir)).toEqual([]);
});

it.each([
  ['at its beginning', 0],
  ['under way', 150],
])('lets go of a write that waits when the output is given up %s', async (_, afterMs) => {
  const dir = tempFolder();
  const output = await openOutput(dir, TABLES, { facts: FACTS });
  const words = wordsOf(PACKETS, rowsOf(PACKETS, 4000));
  const writers = Array.from({ length: 4 }, async () => {
    for (;;) await output.write('packets', batchOf(PACKETS, words, 4000, CONTEXT));
  });
  const settled = Promise.allSettled(writers);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  await output.abort();
  expect((await settled).map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
  expect(filesIn(dir)).toEqual([]);
});

it('keeps the parts of two runs apart and tells which is complete', async () => {
  const dir = tempFolder();
  await record(dir, [5]);
  const output = await openOutput(dir, TABLES, { facts: FACTS, partRows: 3 });
  await output.write('packets', packets(4, 0));
  await output.abort();
  const runs = await readMetadata(dir);
  expect(runs.map(({ isComplete }) => isComplete).sort()).toEqual([false, true]);
});

it('knows a run as complete although its first parts came before the ledger', async () => {
  const dir = tempFolder();
  const output = await openOutput(dir, TABLES, { facts: FACTS, partRows: 3 });
  const flows = batchOf(FLOWS, wordsOf(FLOWS, rowsOf(FLOWS, 4)), 4, CONTEXT);
  await output.write('flows', flows);
  await output.close({ 'conntrail.ledger': '{"rows":[]}' });
  const runs = await readMetadata(dir);
  expect(runs.map(({ isComplete }) => isComplete)).toEqual([true]);
  expect(runs[0]?.metadata['conntrail.ledger']).toBe('{"rows":[]}');
});

it('passes over files that others hid in the folder', async () => {
  const dir = tempFolder();
  await record(dir, [5]);
  writeFileSync(join(dir, 'table=packets', '._part.parquet'), 'not Parquet');
  let rows = 0;
  for await (const batch of readDataset(dir, PACKETS)) rows += batch.numRows;
  expect(rows).toBe(5);
});

it('is one table with partition columns to DuckDB', async () => {
  const dir = tempFolder();
  await record(dir, [5, 6], 5);
  const connection = await (await DuckDBInstance.create()).connect();
  const found = await connection.runAndReadAll(
    `SELECT node, date::VARCHAR, hour::INT, count(*)::INT FROM '${dir}/table=packets/**/*.parquet' GROUP BY ALL`,
  );
  expect(found.getRows()).toEqual([['node/1', '2025-11-21', 1, 11]]);
});

it('refuses a file where a folder is needed, and leaves it', async () => {
  const path = join(tempFolder(), 'out');
  writeFileSync(path, 'good');
  await expect(openOutput(path, TABLES, { facts: FACTS })).rejects.toMatchObject({
    code: 'usage',
    message: `${path} is a file, needed a folder`,
  });
  expect(readFileSync(path, 'utf8')).toBe('good');
});

it('says what a folder lacks that is no dataset', async () => {
  const dir = tempFolder();
  mkdirSync(join(dir, 'other'));
  const read = async () => {
    for await (const _ of readDataset(dir, LOSSES));
  };
  await expect(read()).rejects.toThrow(`${dir} has no table=losses/…/part-….parquet`);
});
