/** Three readers that know nothing of each other: DuckDB, hyparquet, and the one we read with. */
import { readFileSync } from 'node:fs';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { type FileMetaData, parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { conform } from '../../../src/columns/conform.ts';
import { ParquetDecoder } from '../../../src/export/parquet-decoder.ts';
import type { Table } from '../../../src/model/tables.ts';
import type { Row, Value } from '../fixtures.ts';
import { plainRow, rowsIn } from '../values.ts';

export function bytesOf(path: string): ArrayBuffer {
  const bytes = readFileSync(path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

export function metadataOf(path: string): FileMetaData {
  return parquetMetadata(bytesOf(path));
}

export async function readWithHyparquet(path: string, table: Table): Promise<Row[]> {
  const parsers = { timestampFromNanoseconds: (ns: bigint) => ns };
  const found = await parquetReadObjects({
    file: bytesOf(path),
    compressors,
    parsers,
    utf8: false,
  });
  return found.map((row) => plainRow(row, table));
}

/** Times in microseconds: DuckDB keeps no more of those with a zone. */
export async function readWithDuckDb(path: string, { columns }: Table): Promise<Value[][]> {
  const selected = columns.map(({ name, type }) => {
    if (type === 'address') return `lower(hex(${name}))`;
    return type === 'timestamp' ? `epoch_us(${name})` : `"${name}"`;
  });
  return query(`SELECT ${selected.join(', ')} FROM '${path}'`);
}

let duckDb: Promise<DuckDBConnection> | undefined;

/** Starting DuckDB takes longer than what it is asked. */
export async function query(sql: string): Promise<Value[][]> {
  duckDb ??= DuckDBInstance.create().then((instance) => instance.connect());
  return (await (await duckDb).runAndReadAll(sql)).getRows() as Value[][];
}

/** What readWithDuckDb() must find. */
export function inMicroseconds(rows: readonly Row[], { columns }: Table): Value[][] {
  return rows.map((row) =>
    columns.map(({ name, type }) => {
      const value = row[name]!;
      return type === 'timestamp' && typeof value === 'bigint' ? value / 1000n : value;
    }),
  );
}

const decoder = new ParquetDecoder();

export async function readWithDecoder(path: string, table: Table): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const batch of decoder.batches(path)) {
    rows.push(...rowsIn(conform(batch, table, path), table));
  }
  return rows;
}

/** After the last test. */
export async function stopReaders(): Promise<void> {
  await decoder.stop();
}
