/** Columns filled in place to a RecordBatch: the arrays are taken as they are. */
import { type Data, makeData, type RecordBatch, type Schema } from 'apache-arrow';
import type { Columns, ColumnValues, Values } from '../model/columns.ts';
import type { Column } from '../model/tables.ts';
import { batchFrom } from './batch.ts';
import { type NameBytes, namesData } from './names.ts';
import { arrowSchema, dictionaryOf } from './schema.ts';

/** The batch owns the arrays from now on. */
export function columnBatch(columns: Columns, names: NameBytes): RecordBatch {
  const { table, length } = columns;
  const schema: Schema = arrowSchema(table);
  const sources = columns.columns;
  const children = table.columns.map((column, index) => {
    const source = sources[index]!;
    const { type } = schema.fields[index]!;
    const { valid } = source;
    const values = valuesOf(columns, column, source, names);
    const nulls =
      valid === undefined || valid.count === length
        ? { nullCount: 0 }
        : { nullCount: length - valid.count, nullBitmap: valid.bits };
    return makeData({ type, length, ...nulls, ...values } as never) as Data;
  });
  return batchFrom(schema, length, children);
}

function valuesOf(
  { table, length }: Columns,
  column: Column,
  { values, truth, valid }: ColumnValues,
  names: NameBytes,
): object {
  if (truth !== undefined) return { data: truth.bits };
  if (values === undefined) throw new RangeError(`${column.name} has no values`);
  if (column.type === 'name') return namesData(values as Int32Array, length, valid?.bits, names);
  const data = arrowView(column, values, length);
  return column.type === 'code' ? { data, dictionary: dictionaryOf(table, column) } : { data };
}

function arrowView({ type }: Column, values: Values, length: number): object {
  const { buffer, byteOffset } = values;
  switch (type) {
    case 'u32':
      return new Uint32Array(buffer, byteOffset, length);
    case 'u64':
      return new BigUint64Array(buffer, byteOffset, length);
    case 'timestamp':
      return new BigInt64Array(buffer, byteOffset, length);
    case 'address':
      return new Uint8Array(buffer, byteOffset, length * 16);
    default:
      return values.subarray(0, length);
  }
}
