/** Rows to record batches through Arrow's own builders. */
import {
  Table as ArrowTable,
  Bool,
  type DataType,
  Dictionary,
  Int8,
  type RecordBatch,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import type { Column, ColumnType, Table } from '../../../src/model/tables.ts';
import type { Row } from './rows.ts';

/** Times as plain integers: the builder of nanosecond timestamps takes float milliseconds. */
const TYPES: Readonly<Record<ColumnType, () => DataType>> = {
  bool: () => new Bool(),
  u8: () => new Uint8(),
  u16: () => new Uint16(),
  u32: () => new Uint32(),
  u64: () => new Uint64(),
  timestamp: () => new Uint64(),
  address: () => new Utf8(),
  code: () => new Dictionary(new Utf8(), new Int8()),
  name: () => new Utf8(),
};

export function obviousBatch(table: Table, rows: readonly Row[]): RecordBatch {
  const columns = Object.fromEntries(
    table.columns.map((column) => [column.name, vectorOf(column, rows)]),
  );
  return new ArrowTable(columns).batches[0]!;
}

function vectorOf({ name, type }: Column, rows: readonly Row[]): Vector {
  return vectorFromArray(
    rows.map((row) => row[name] ?? null),
    TYPES[type](),
  );
}
