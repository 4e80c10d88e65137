import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { BatchBuilder } from '../../src/columns/batch.ts';
import { openOutput } from '../../src/export/output.ts';
import { readDataset, readMetadata } from '../../src/export/read-dataset.ts';
import { PACKETS, TABLES, type Table, type TableName } from '../../src/model/tables.ts';
import {
  CLOCK_OFFSET,
  ensureBuilt,
  FACTS,
  NAMES,
  type Row,
  rowsOf,
  tempFolder,
  wordsOf,
} from './fixtures.ts';
import { plainRow, rowsIn } from './values.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
beforeAll(ensureBuilt);

const CLOSING = { 'conntrail.ledger': '{"rows":[]}', 'conntrail.note': 'Grüße' };
const COUNT = 700;

/** Two batches, whose names differ. */
async function writeTable(path: string, table: Table): Promise<Row[]> {
  const rows = rowsOf(table, COUNT);
  const builder = new BatchBuilder(table, { clockOffsetNs: CLOCK_OFFSET, names: NAMES });
  const name = table.name as TableName;
  const output = await openOutput(path, TABLES, { facts: FACTS, table: name });
  for (const [from, to] of [
    [0, 1],
    [1, COUNT],
  ] as const) {
    const words = wordsOf(table, rows.slice(from, to));
    await output.write(name, builder.batch(words, to - from));
  }
  const written = await output.close(CLOSING);
  expect(written).toEqual({
    files: [{ path, table: name, rows: COUNT, bytes: statSync(path).size }],
    rows: COUNT,
    bytes: statSync(path).size,
  });
  return rows;
}

async function readBack(path: string, table: Table): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const batch of readDataset(path, table)) rows.push(...rowsIn(batch, table));
  return rows;
}

describe.each(TABLES)('$name', (table) => {
  it.each(['parquet', 'arrow'])('comes back from a .%s file as it went in', async (ending) => {
    const path = join(tempFolder(), `x.${ending}`);
    const rows = await writeTable(path, table);
    expect(await readBack(path, table)).toEqual(rows);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const [found] = await readMetadata(path);
    expect(found?.isComplete).toBe(true);
    expect(found?.metadata).toMatchObject({
      ...CLOSING,
      'conntrail.table': table.name,
      'conntrail.schema_version': '1.2',
      'conntrail.node': 'node/1',
      'conntrail.facts': JSON.stringify(FACTS),
    });
  });

  it('is read by DuckDB', async () => {
    const path = join(tempFolder(), 'x.parquet');
    const rows = await writeTable(path, table);
    const columns = table.columns.map(({ name, type }) => {
      if (type === 'address') return `lower(hex(${name})) AS ${name}`;
      if (type === 'timestamp') return `epoch_us(${name}) AS ${name}`;
      return `"${name}"`;
    });
    const connection = await (await DuckDBInstance.create()).connect();
    const query = `SELECT ${columns.join(', ')} FROM '${path}'`;
    const found = await connection.runAndReadAll(query);
    // DuckDB keeps microseconds of a timestamp with a zone
    const expected = rows.map((row) =>
      table.columns.map(({ name, type }) => {
        const value = row[name]!;
        return type === 'timestamp' && typeof value === 'bigint' ? value / 1000n : value;
      }),
    );
    expect(found.getRows()).toEqual(expected);
  });

  it('is read by hyparquet, to the nanosecond', async () => {
    const path = join(tempFolder(), 'x.parquet');
    const rows = await writeTable(path, table);
    const bytes = readFileSync(path);
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const parsers = { timestampFromNanoseconds: (ns: bigint) => ns };
    const found = await parquetReadObjects({ file, compressors, parsers, utf8: false });
    expect(found.map((row) => plainRow(row, table))).toEqual(rows);
  });
});

describe('a Parquet file', () => {
  it('has zstd, statistics and the right encoding in every column', async () => {
    const path = join(tempFolder(), 'x.parquet');
    await writeTable(path, PACKETS);
    const bytes = readFileSync(path);
    const metadata = parquetMetadata(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
    );
    expect(metadata.created_by).toBe('conntrail');
    const columns = metadata.row_groups[0]?.columns.map(({ meta_data }) => meta_data) ?? [];
    expect(columns.map((column) => column?.path_in_schema[0])).toEqual(
      PACKETS.columns.map(({ name }) => name),
    );
    expect(columns.map((column) => column?.codec)).toEqual(columns.map(() => 'ZSTD'));
    expect(columns.every((column) => column?.statistics?.null_count !== undefined)).toBe(true);
    const encodings = (name: string) =>
      columns.find((column) => column?.path_in_schema[0] === name)?.encodings;
    expect(encodings('started_at')).toContain('DELTA_BINARY_PACKED');
    expect(encodings('src')).toContain('RLE_DICTIONARY');
    expect(encodings('verdict')).toContain('RLE_DICTIONARY');
  });

  it('carries units, meanings and words in its Arrow schema', async () => {
    const path = join(tempFolder(), 'x.parquet');
    await writeTable(path, PACKETS);
    const [found] = await readMetadata(path);
    const schema = Buffer.from(found?.metadata['ARROW:schema'] ?? '', 'base64').toString('latin1');
    expect(schema).toContain('ns since boot');
    expect(schema).toContain('verdict of the last visit; stolen also stands for queued');
    expect(schema).toContain('drop,accept,stolen,queue,repeat,stop');
  });

  it('shows its key-values to DuckDB and hyparquet', async () => {
    const path = join(tempFolder(), 'x.parquet');
    await writeTable(path, PACKETS);
    const connection = await (await DuckDBInstance.create()).connect();
    const found = await connection.runAndReadAll(
      `SELECT decode(key), decode(value) FROM parquet_kv_metadata('${path}')`,
    );
    expect(Object.fromEntries(found.getRows())).toMatchObject(CLOSING);
    const bytes = readFileSync(path);
    const { key_value_metadata } = parquetMetadata(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
    );
    const pairs = Object.fromEntries((key_value_metadata ?? []).map((kv) => [kv.key, kv.value]));
    expect(pairs).toMatchObject(CLOSING);
  });

  it('without rows still has its columns', async () => {
    const path = join(tempFolder(), 'x.parquet');
    const output = await openOutput(path, TABLES, { facts: FACTS, table: 'flows' });
    expect((await output.close(CLOSING)).rows).toBe(0);
    const connection = await (await DuckDBInstance.create()).connect();
    const found = await connection.runAndReadAll(`DESCRIBE SELECT * FROM '${path}'`);
    expect(found.getRows().length).toBe(output.tables[0]?.columns.length);
    expect(await readBack(path, output.tables[0]!)).toEqual([]);
  });
});
