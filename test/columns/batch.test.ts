import { describe, expect, it } from 'vitest';
import { BatchBuilder, batchOf, emptyBatch } from '../../src/columns/batch.ts';
import { IpcEncoder } from '../../src/columns/ipc.ts';
import { batchesOf } from '../../src/columns/ipc-read.ts';
import { arrowSchema } from '../../src/columns/schema.ts';
import { FLOWS, LOSSES, PACKETS, TABLES, type Table } from '../../src/model/tables.ts';
import { CLOCK_OFFSET, NAMES, rowsOf, wordsOf } from '../export/fixtures.ts';
import { rowsIn } from '../export/values.ts';

const context = { clockOffsetNs: CLOCK_OFFSET, names: NAMES };

function columnOf(type: 'timestamp' | 'u64'): Table {
  const column = { name: 'x', type, nullable: false, unit: '', meaning: 'm' } as const;
  return { name: 't', meaning: 'm', columns: [column] };
}

describe('batchOf', () => {
  // 600 rows: more than two tiles, and no multiple of eight
  it.each(TABLES)('carries every value and null of $name', (table) => {
    const rows = rowsOf(table, 603);
    const batch = batchOf(table, wordsOf(table, rows), 603, context);
    expect(rowsIn(batch, table)).toEqual(rows);
  });

  it('takes only the rows it is told of', () => {
    const rows = rowsOf(FLOWS, 9);
    const batch = batchOf(FLOWS, wordsOf(FLOWS, rows), 5, context);
    expect(rowsIn(batch, FLOWS)).toEqual(rows.slice(0, 5));
  });

  it('keeps its values when the words are used again', () => {
    const rows = rowsOf(PACKETS, 3);
    const words = wordsOf(PACKETS, rows);
    const batch = batchOf(PACKETS, words, 3, context);
    words.fill(-1);
    expect(rowsIn(batch, PACKETS)).toEqual(rows);
  });

  it.each([
    [0xffff_ffffn, 1n],
    [0xffff_ffffn, -1n],
    [0x1_0000_0000n, -1n],
    [123_456_789_012_345n, 1_763_687_855_999_999_999n],
    [5n, 0xffff_fffbn],
  ])('adds the clock offset in words: %d + %d', (ktime, offset) => {
    const table = columnOf('timestamp');
    const words = new Int32Array(new BigInt64Array([0n, ktime]).buffer);
    const batch = batchOf(table, words, 1, { clockOffsetNs: offset, names: [] });
    expect(batch.data.children[0]?.values).toEqual(new BigInt64Array([ktime + offset]));
  });

  it('has names that came after the builder was made', () => {
    const names: string[] = ['first'];
    const column = { name: 'n', type: 'name', nullable: true, unit: '', meaning: 'm' } as const;
    const table = { name: 't', meaning: 'm', columns: [column] };
    const builder = new BatchBuilder(table, { clockOffsetNs: 0n, names });
    const one = builder.batch(new Int32Array([0, 0, 0, 0]), 1);
    names.push('second');
    const two = builder.batch(new Int32Array([0, 0, 1, 0, 1, 0, 1, 0]), 2);
    expect(rowsIn(one, table)).toEqual([{ n: 'first' }]);
    expect(rowsIn(two, table)).toEqual([{ n: 'second' }, { n: null }]);
  });

  it('refuses more rows than there are words for', () => {
    expect(() => batchOf(columnOf('u64'), new Int32Array(4), 2, context)).toThrow(
      '2 rows need 8 words, 4 given',
    );
  });

  it('has no rows in an empty batch, and all columns', () => {
    const batch = emptyBatch(LOSSES);
    expect(batch.numRows).toBe(0);
    expect(batch.numCols).toBe(LOSSES.columns.length);
  });
});

describe('arrowSchema', () => {
  it('says unit, meaning and words of each column', () => {
    const schema = arrowSchema(PACKETS, { more: 'of it' });
    const field = schema.fields.find(({ name }) => name === 'verdict');
    expect(Object.fromEntries(field?.metadata ?? [])).toEqual({
      unit: '',
      meaning:
        'verdict of the last visit; queue: it waited for user space when the trace ended; stolen also stands for a fragment that was taken to wait for the others',
      words: 'drop,accept,stolen,queue,repeat,stop',
    });
    expect(schema.fields.find(({ name }) => name === 'length')?.metadata.get('unit')).toBe('bytes');
    expect(Object.fromEntries(schema.metadata)).toEqual({
      more: 'of it',
      'conntrail.table': 'packets',
      'conntrail.schema_version': '1.2',
    });
  });
});

describe('IpcEncoder', () => {
  it('writes each dictionary once, whatever the number of batches', () => {
    const encoder = new IpcEncoder(PACKETS, 'file');
    const builder = new BatchBuilder(PACKETS, context);
    const words = wordsOf(PACKETS, rowsOf(PACKETS, 2));
    const sizes = [1, 2, 3].map(() => Buffer.concat(encoder.write(builder.batch(words, 2))).length);
    expect(sizes[2]).toBe(sizes[1]);
    expect(sizes[0]).toBeGreaterThan(sizes[1]! + 1000);
  });

  it('says at the end of a stream what was not known before', () => {
    const encoder = new IpcEncoder(FLOWS, 'stream', { early: 'e' });
    const bytes = [...encoder.write(emptyBatch(FLOWS)), ...encoder.close({ late: 'l' })];
    const [, last] = batchesOf(Buffer.concat(bytes));
    expect(last?.schema.metadata.get('early')).toBe('e');
    expect(last?.metadata.get('late')).toBe('l');
  });
});
