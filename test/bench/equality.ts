/** Asserts that two batches of one table hold the same values, column by column. */
import assert from 'node:assert/strict';
import { type Data, type RecordBatch, Vector } from 'apache-arrow';
import type { Column, Table } from '../../src/model/tables.ts';
import { address } from './obvious/record.ts';

type ValueAt = (row: number) => unknown;

/** `rowsBefore`: rows of earlier batches, for the message. */
export function assertSameValues(
  table: Table,
  ours: RecordBatch,
  theirs: RecordBatch,
  rowsBefore: number,
): void {
  assert.equal(ours.numRows, theirs.numRows, `${table.name}: number of rows`);
  for (const [index, column] of table.columns.entries()) {
    const our = valuesOf(column, ours.data.children[index]!);
    const their = valuesOf(column, theirs.data.children[index]!);
    for (let row = 0; row < ours.numRows; row++) {
      const found = our(row);
      const needed = their(row);
      if (found !== needed) {
        const where = `${table.name}.${column.name}, row ${rowsBefore + row}`;
        assert.fail(`${where}: conntrail has ${found}, the obvious implementation ${needed}`);
      }
    }
  }
}

/** Values in one form, whatever the Arrow type: addresses as text, times as bigint. */
function valuesOf({ type }: Column, data: Data): ValueAt {
  const { nullCount, nullBitmap, values } = data;
  const isNull = (row: number) =>
    nullCount > 0 && ((nullBitmap[row >>> 3]! >>> (row & 7)) & 1) === 0;
  const value = plainValues(type, data, values);
  return (row) => (isNull(row) ? null : value(row));
}

function plainValues(type: Column['type'], data: Data, values: ArrayLike<unknown>): ValueAt {
  switch (type) {
    case 'timestamp':
    case 'u64':
      return (row) => BigInt.asUintN(64, values[row] as bigint);
    case 'address':
      return addresses(data);
    case 'code': {
      const words = [...(data.dictionary ?? new Vector([]))].map(String);
      return (row) => words[values[row] as number];
    }
    case 'bool':
    case 'name': {
      const vector = new Vector([data]);
      return (row) => vector.get(row);
    }
    default:
      return (row) => values[row];
  }
}

/** Ours are 16 bytes each, the obvious ones text. */
function addresses(data: Data): ValueAt {
  const vector = new Vector([data]);
  if (data.valueOffsets !== undefined) return (row) => vector.get(row);
  const bytes = data.values as Uint8Array;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (row) => address(view, row * 16);
}
