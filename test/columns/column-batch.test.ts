/** Columns filled in place give the batch that the same rows give as words. */
import { describe, expect, it } from 'vitest';
import { batchOf } from '../../src/columns/batch.ts';
import { columnBatch } from '../../src/columns/column-batch.ts';
import { IpcEncoder } from '../../src/columns/ipc.ts';
import { NameBytes } from '../../src/columns/names.ts';
import type { Columns, ColumnValues, Packed, Values } from '../../src/model/columns.ts';
import { layoutOf } from '../../src/model/row-layout.ts';
import { type Column, PACKETS, TABLES, type Table } from '../../src/model/tables.ts';
import { PacketBatch } from '../../src/rebuild/packet-batch.ts';
import { PacketLayout } from '../../src/rebuild/packet-layout.ts';
import { CLOCK_OFFSET, NAMES, rowsOf, wordsOf } from '../export/fixtures.ts';
import { rowsIn } from '../export/values.ts';

const context = { clockOffsetNs: CLOCK_OFFSET, names: NAMES };

function arrayOf({ type }: Column, length: number): Values {
  switch (type) {
    case 'bool':
    case 'u8':
      return new Uint8Array(length);
    case 'code':
      return new Int8Array(length);
    case 'u16':
      return new Uint16Array(length);
    case 'address':
      return new Int32Array(length * 4);
    case 'u64':
    case 'timestamp':
      return new Int32Array(length * 2);
    default:
      return new Int32Array(length);
  }
}

function packed(length: number, isSet: (row: number) => boolean): Packed {
  const bits = new Uint8Array((length + 7) >>> 3);
  const set = Array.from({ length }, (_, row) => row).filter(isSet);
  for (const row of set) bits[row >>> 3]! |= 1 << (row & 7);
  return { bits, count: set.length };
}

/** The rows of `words` as columns, with room for more. */
function columnsOf(table: Table, words: Int32Array, length: number): Columns {
  const layout = layoutOf(table);
  const room = length + 3;
  const columns = table.columns.map((column, index): ColumnValues => {
    const values = arrayOf(column, room);
    const wordOf = (row: number): number => row * layout.stride + layout.at(column.name);
    const hasValue = (row: number): boolean =>
      ((words[row * layout.stride + (index >>> 5)]! >>> (index & 31)) & 1) === 0;
    for (let row = 0; row < length; row++) copy(column, words, wordOf(row), values, row);
    return {
      ...(column.type === 'bool'
        ? { truth: packed(length, (row) => words[wordOf(row)] === 1) }
        : { values }),
      ...(column.nullable ? { valid: packed(length, hasValue) } : {}),
    };
  });
  return { table, length, columns };
}

function copy({ type }: Column, words: Int32Array, from: number, to: Values, row: number): void {
  if (type === 'timestamp') {
    const ktime = (BigInt(words[from + 1]!) << 32n) | BigInt(words[from]! >>> 0);
    new BigInt64Array(to.buffer)[row] = ktime + CLOCK_OFFSET;
    return;
  }
  const width = type === 'address' ? 4 : type === 'u64' ? 2 : 1;
  for (let word = 0; word < width; word++) to[row * width + word] = words[from + word]!;
}

describe.each(TABLES)('$name', (table) => {
  it.each([1, 7, 8, 9, 603])('has every value and null of %i rows', (length) => {
    const rows = rowsOf(table, length);
    const words = wordsOf(table, rows);
    const batch = columnBatch(columnsOf(table, words, length), new NameBytes(NAMES));
    expect(rowsIn(batch, table)).toEqual(rows);
    expect(rowsIn(batch, table)).toEqual(rowsIn(batchOf(table, words, length, context), table));
  });

  it('is written as the same bytes', () => {
    const words = wordsOf(table, rowsOf(table, 21));
    const bytes = (batch: ReturnType<typeof batchOf>): Buffer =>
      Buffer.concat([...new IpcEncoder(table, 'stream').write(batch)]);
    const columns = columnsOf(table, words, 21);
    const ours = columnBatch(columns, new NameBytes(NAMES));
    const theirs = batchOf(table, words, 21, context);
    expect(bytes(ours).length).toBe(bytes(theirs).length);
  });
});

const BITS: Table = {
  name: 't',
  meaning: 'm',
  columns: [
    { name: 'truth', type: 'bool', nullable: true, unit: '', meaning: 'm' },
    { name: 'name', type: 'name', nullable: true, unit: '', meaning: 'm' },
  ],
};

describe.each([1, 7, 8, 9, 15, 16, 17, 64])('bits of %i rows', (length) => {
  const names = new NameBytes(['first', 'second']);

  function batch(truth: (row: number) => boolean, valid: (row: number) => boolean) {
    const numbers = Int32Array.from({ length: length + 5 }, (_, row) => row % 2);
    return columnBatch(
      {
        table: BITS,
        length,
        columns: [
          { truth: packed(length, truth), valid: packed(length, valid) },
          { values: numbers, valid: packed(length, valid) },
        ],
      },
      names,
    );
  }

  const all = (): boolean => true;
  const none = (): boolean => false;
  const some = (row: number): boolean => row % 3 === 0;

  it.each([
    ['all', all],
    ['none', none],
    ['some', some],
    ['the last', (row: number) => row === length - 1],
    ['all but the last', (row: number) => row !== length - 1],
  ])('are set: %s', (_, which) => {
    expect(rowsIn(batch(which, all), BITS)).toEqual(
      Array.from({ length }, (_, row) => ({
        truth: which(row),
        name: ['first', 'second'][row % 2],
      })),
    );
    const nulls = batch(some, which);
    expect(rowsIn(nulls, BITS)).toEqual(
      Array.from({ length }, (_, row) => ({
        truth: which(row) ? some(row) : null,
        name: which(row) ? ['first', 'second'][row % 2] : null,
      })),
    );
    const missing = Array.from({ length }, (_, row) => row).filter((row) => !which(row)).length;
    expect(nulls.data.children.map(({ nullCount }) => nullCount)).toEqual([missing, missing]);
  });
});

describe('a batch of packets', () => {
  it('has a column for each of the table, of its type', () => {
    const { columns } = new PacketBatch(new PacketLayout(2));
    expect(columns).toHaveLength(PACKETS.columns.length);
    for (const [index, column] of PACKETS.columns.entries()) {
      const { values, truth, valid } = columns[index]!;
      expect(valid !== undefined, column.name).toBe(column.nullable);
      expect(truth !== undefined, column.name).toBe(column.type === 'bool');
      if (values === undefined) continue;
      expect(values.constructor, column.name).toBe(arrayOf(column, 2).constructor);
      expect(values, column.name).toHaveLength(arrayOf(column, 2).length);
    }
  });

  it('gives no array to two columns', () => {
    const arrays = new PacketBatch(new PacketLayout(2)).columns.flatMap(
      ({ values }) => values ?? [],
    );
    expect(new Set(arrays).size).toBe(arrays.length);
  });

  it('refuses a column without values', () => {
    const columns = PACKETS.columns.map(() => ({}));
    expect(() => columnBatch({ table: PACKETS, length: 1, columns }, new NameBytes([]))).toThrow(
      'packet has no values',
    );
  });
});
