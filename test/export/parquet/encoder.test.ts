import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RowGroupEncoder } from '../../../src/export/parquet/row-group.ts';
import {
  ChunkEncoder,
  closeChunkEncoder,
  openChunkEncoder,
} from '../../../src/libbpf/chunk-encoder.ts';
import type { Table } from '../../../src/model/tables.ts';
import { ensureBuilt, type Row } from '../fixtures.ts';
import {
  inMicroseconds,
  metadataOf,
  query,
  readWithDecoder,
  readWithDuckDb,
  readWithHyparquet,
  stopReaders,
} from './readers.ts';
import { EVERY, NULLS, PATTERNS, Random, randomRows } from './tables.ts';
import { writeFile } from './write-file.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });
beforeAll(ensureBuilt);

const handle = openChunkEncoder(1);
afterAll(async () => {
  closeChunkEncoder(handle);
  await stopReaders();
});
/** One for all tests: nothing of one file may be left in the next. */
const encoder = new RowGroupEncoder(new ChunkEncoder(handle, 256));

function write(table: Table, rows: readonly Row[], batchRows: number): string {
  return writeFile(encoder, table, rows, batchRows);
}

async function expectBack(path: string, table: Table, rows: readonly Row[]): Promise<void> {
  expectSame(await readWithDuckDb(path, table), inMicroseconds(rows, table));
  expectSame(await readWithHyparquet(path, table), rows);
  expectSame(await readWithDecoder(path, table), rows);
}

/** Row by row: a difference among thousands is then one line. */
function expectSame(found: readonly unknown[], rows: readonly unknown[]): void {
  expect(found.length).toBe(rows.length);
  for (const [row, expected] of rows.entries()) {
    if (!isDeepStrictEqual(found[row], expected)) {
      expect({ row, is: found[row] }).toEqual({ row, is: expected });
    }
  }
}

function columnsNamed(...names: string[]): Table {
  return { ...EVERY, columns: EVERY.columns.filter(({ name }) => names.includes(name)) };
}

function encodingsOf(path: string, name: string): string[][] {
  return metadataOf(path).row_groups.map(({ columns }) => {
    const found = columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === name);
    return found?.meta_data?.encodings ?? [];
  });
}

describe.each(PATTERNS)('values of pattern "%s"', (pattern) => {
  it.each(NULLS)('come back with nulls: %s', async (nulls) => {
    const seed = PATTERNS.indexOf(pattern) * 10 + NULLS.indexOf(nulls);
    const rows = randomRows(EVERY, 1203, { pattern, nulls, seed });
    await expectBack(write(EVERY, rows, 401), EVERY, rows);
  });
});

describe('a file', () => {
  it.each([0, 1, 2, 7, 8, 9, 31, 32, 33, 128, 129, 130, 257])(
    'of %i rows comes back',
    async (count) => {
      const rows = randomRows(EVERY, count, { pattern: 'growing', nulls: 'random', seed: count });
      await expectBack(write(EVERY, rows, 1000), EVERY, rows);
    },
  );

  it('of batches of odd sizes keeps each null in its place', async () => {
    const rows = randomRows(EVERY, 203, { pattern: 'any', nulls: 'random', seed: 77 });
    await expectBack(write(EVERY, rows, 13), EVERY, rows);
  });

  it.each([16_381, 300_000])(
    'of more rows than a row group, %i a batch, comes back',
    async (batch) => {
      const table = columnsNamed('u8', 'u16_null', 'bool_null');
      const rows = randomRows(table, 263_011, { pattern: 'few', nulls: 'runs', seed: 5 });
      const path = write(table, rows, batch);
      expect(metadataOf(path).num_rows).toBe(BigInt(rows.length));
      const groups = metadataOf(path).row_groups.map((group) => Number(group.num_rows));
      expect(groups.length).toBe(batch < 81_920 ? 3 : 4);
      expect(groups.slice(0, -1).every((count) => count >= 81_920 && count < 98_304)).toBe(true);
      expectSame(await readWithDuckDb(path, table), inMicroseconds(rows, table));
    },
  );

  it('of more batches than a chunk is made of comes back: quiet traces hand over few rows at a time', async () => {
    const table = columnsNamed('u8', 'u16_null', 'bool_null');
    const rows = randomRows(table, 1030, { pattern: 'few', nulls: 'runs', seed: 9 });
    const path = write(table, rows, 1);
    expect(metadataOf(path).row_groups.map((group) => Number(group.num_rows))).toEqual([1024, 6]);
    expectSame(await readWithDuckDb(path, table), inMicroseconds(rows, table));
  });
});

describe('a dictionary', () => {
  it('is given up for plain values where it does not pay', async () => {
    const table = columnsNamed('u32', 'u64_null', 'address', 'name', 'name_null');
    const rows = randomRows(table, 30_000, { pattern: 'any', nulls: 'random', seed: 3 });
    const path = write(table, rows, 16_384);
    for (const { name } of table.columns) {
      expect(encodingsOf(path, name), name).toEqual([
        expect.not.arrayContaining(['RLE_DICTIONARY']),
      ]);
    }
    await expectBack(path, table, rows);
  });

  it.each([2, 3, 4, 5, 16, 17, 256, 257, 500, 1024, 1025])('of %i entries', async (distinct) => {
    const table = columnsNamed('u16_null', 'u32', 'u64', 'u64_null', 'address', 'address_null');
    const rows = Array.from({ length: 5000 }, (_, row): Row => {
      const value = (row * 7) % distinct;
      const big = BigInt(value) * 0x1_0000_0001n;
      return {
        u32: value * 3,
        u64: big,
        address: big.toString(16).padStart(32, '0'),
        u64_null: BigInt(value) << 32n,
        u16_null: row % 5 === 0 ? null : value,
        address_null: value.toString(16).padStart(8, '0').padEnd(32, '0'),
      };
    });
    const path = write(table, rows, 5000);
    const encodings = table.columns.flatMap(({ name }) => encodingsOf(path, name));
    expect(encodings.every((found) => found.includes('RLE_DICTIONARY'))).toBe(true);
    await expectBack(path, table, rows);
  });

  it('gives way to deltas of numbers that are many but near each other', async () => {
    const table = columnsNamed('u32', 'u64_null');
    const rows = Array.from(
      { length: 3000 },
      (_, row): Row => ({
        u32: 0xffff_ff00 + (row % 256) - row,
        u64_null: 2n ** 63n - BigInt(row),
      }),
    );
    const path = write(table, rows, 3000);
    expect(encodingsOf(path, 'u64_null')).toEqual([['RLE', 'DELTA_BINARY_PACKED']]);
    await expectBack(path, table, rows);
  });

  it.each([
    [65_536, true],
    [65_537, false],
  ])('has %i entries: %s, as an index tells apart 65,536', async (distinct, isKept) => {
    const table = columnsNamed('u64', 'address');
    const rows = Array.from({ length: 80_000 }, (_, row): Row => {
      const value = BigInt(row % distinct) * 0x1_0000_0003n;
      return { u64: value, address: value.toString(16).padStart(32, '0') };
    });
    const path = write(table, rows, 20_000); // all in one row group
    const encodings = table.columns.flatMap(({ name }) => encodingsOf(path, name));
    expect(encodings.map((found) => found.includes('RLE_DICTIONARY'))).toEqual([isKept, isKept]);
    expectSame(await readWithDuckDb(path, table), inMicroseconds(rows, table));
  });
});

describe('deltas', () => {
  it.each([0, 1, 2, 3, 4, 5, 6])('of %i bytes come back', async (bytes) => {
    const table = columnsNamed('u32_delta', 'u64_delta', 'u64_delta_null');
    const random = new Random(bytes + 40);
    const span = 256n ** BigInt(bytes);
    let sum = 2n ** 64n - span * 100n; // passes 2^64, and for u32 2^32 many times
    const rows = Array.from({ length: 600 }, (_, row): Row => {
      sum = BigInt.asUintN(64, sum + (random.u64() % span) - span / 3n);
      const u64 = sum;
      return {
        u32_delta: Number(BigInt.asUintN(32, sum)),
        u64_delta: u64,
        u64_delta_null: row % 7 === 0 ? null : BigInt.asUintN(64, -u64),
      };
    });
    const path = write(table, rows, 600);
    if (bytes > 0) {
      expect(encodingsOf(path, 'u64_delta')).toEqual([['RLE', 'DELTA_BINARY_PACKED']]);
    }
    await expectBack(path, table, rows);
  });
});

it.each([
  ['every batch has one value', [64, 100, 64]],
  ['the last row alone differs', [199, 1]],
  ['the first row alone differs', [1, 199]],
])('where %s, all come back', async (_, lengths) => {
  const random = new Random(7);
  const kinds = lengths.map(
    () => randomRows(EVERY, 1, { pattern: 'any', nulls: 'none', seed: random.below(999) })[0]!,
  );
  const rows = lengths.flatMap((length, kind) => Array.from({ length }, () => kinds[kind]!));
  await expectBack(write(EVERY, rows, Math.max(...lengths)), EVERY, rows);
  await expectBack(write(EVERY, rows, 64), EVERY, rows);
});

describe('statistics', () => {
  it('of values that grow beyond 64 bits say least and greatest', () => {
    const table = columnsNamed('u64_delta');
    const from = 2n ** 64n - 50n;
    const rows = Array.from({ length: 100 }, (_, row) => ({
      u64_delta: BigInt.asUintN(64, from + BigInt(row)),
    }));
    const [group] = metadataOf(write(table, rows, 100)).row_groups;
    const bounds = group!.columns.map(({ meta_data }) => meta_data!.statistics);
    expect(
      [bounds[0]?.min_value, bounds[0]?.max_value].map((bound) => asValue('u64', bound)),
    ).toEqual([0n, 2n ** 64n - 1n]);
  });

  it.each(['any', 'growing', 'few'] as const)('of %s say least, greatest, nulls', (pattern) => {
    const rows = randomRows(EVERY, 1500, { pattern, nulls: 'random', seed: 9 });
    const [group] = metadataOf(write(EVERY, rows, 500)).row_groups;
    for (const [index, { name, type }] of EVERY.columns.entries()) {
      const values = rows.map((row) => row[name]!).filter((value) => value !== null);
      const { statistics } = group!.columns[index]!.meta_data!;
      expect(statistics?.null_count, name).toBe(BigInt(rows.length - values.length));
      const sorted = type === 'code' || type === 'name' ? byBytes(values) : inOrder(values);
      const bounds = [statistics?.min_value, statistics?.max_value].map((bound) =>
        asValue(type, bound),
      );
      const ends = [sorted[0], sorted.at(-1)].map((value) =>
        type === 'timestamp' ? Number((value as bigint) / 1_000_000n) : value,
      );
      expect(bounds, name).toEqual(ends);
    }
  });

  it('say where dictionary and data begin, and how long both are', () => {
    const rows = randomRows(EVERY, 100, { pattern: 'few', nulls: 'random', seed: 4 });
    const [group] = metadataOf(write(EVERY, rows, 100)).row_groups;
    let at = 4n;
    for (const { meta_data, file_offset } of group!.columns) {
      const { data_page_offset, dictionary_page_offset } = meta_data!;
      expect([file_offset, dictionary_page_offset ?? data_page_offset]).toEqual([at, at]);
      const hasDictionary = meta_data!.encodings.includes('RLE_DICTIONARY');
      expect(data_page_offset > at).toBe(hasDictionary);
      at += meta_data!.total_compressed_size;
    }
    expect(group!.total_compressed_size).toBe(at - 4n);
  });

  it('let DuckDB pass over row groups and miss nothing', async () => {
    const table = columnsNamed('u32', 'u64', 'u64_delta');
    const rows = randomRows(table, 2000, { pattern: 'any', nulls: 'none', seed: 31 });
    const path = write(table, rows, 500);
    for (const row of rows.filter((_, index) => index % 97 === 0)) {
      const where = table.columns.map(({ name }) => `"${name}" = ${row[name]}`).join(' AND ');
      expect(await query(`SELECT count(*) FROM '${path}' WHERE ${where}`)).toEqual([[1n]]);
    }
  });
});

function inOrder<T>(values: readonly T[]): T[] {
  return [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function byBytes<T>(values: readonly T[]): T[] {
  return [...values].sort((a, b) => Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b))));
}

/** hyparquet gives a sign to what has none, bytes where they are no text, and times as dates. */
function asValue(type: string, bound: unknown): unknown {
  if (type === 'address') return Buffer.from(bound as Uint8Array).toString('hex');
  if (type === 'u32') return Number(bound) >>> 0;
  if (type === 'u64') return BigInt.asUintN(64, BigInt(bound as bigint));
  if (bound instanceof Date) return bound.getTime();
  return bound instanceof Uint8Array ? Buffer.from(bound).toString() : bound;
}
