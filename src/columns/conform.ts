/**
 * Batches from a file as if batchOf() had made them: the columns of the table
 * in their order, codes numbered as in the table. Files of an older minor
 * version lack columns: those come out null throughout. Columns of a newer one
 * are left out.
 */
import { type Data, Dictionary, makeData, type RecordBatch, Vector } from 'apache-arrow';
import { TraceError } from '../model/error.ts';
import { type Column, SCHEMA_VERSION, type Table } from '../model/tables.ts';
import { batchFrom } from './batch.ts';
import { valuesIn } from './column-builder.ts';
import { arrowSchema, dictionaryOf, TABLE_KEY, VERSION_KEY } from './schema.ts';

/** Bytes of an address. */
const WIDEST = 16;

/** Refuses a file of another table or of another major version of the schema. */
export function checkSchema(
  metadata: ReadonlyMap<string, string>,
  table: Table,
  path: string,
): void {
  const found = metadata.get(TABLE_KEY);
  if (found !== table.name) {
    const what = found === undefined ? 'no table of conntrail' : `table ${found}`;
    throw new TraceError('corrupt', `${path} holds ${what}, needed table ${table.name}`);
  }
  const version = metadata.get(VERSION_KEY) ?? 'none';
  if (version.split('.')[0] !== SCHEMA_VERSION.split('.')[0]) {
    const needed = `${SCHEMA_VERSION.split('.')[0]}.x`;
    throw new TraceError('unsupported', `${path} has schema version ${version}, needed ${needed}`);
  }
}

export function conform(batch: RecordBatch, table: Table, path: string): RecordBatch {
  const schema = arrowSchema(table);
  const children = table.columns.map((column, index) => {
    const at = batch.schema.fields.findIndex((field) => field.name === column.name);
    const child = batch.data.children[at];
    if (child === undefined) return absent(table, index, batch.numRows);
    const needed = schema.fields[index]!.type;
    const found = batch.schema.fields[at]!.type;
    if (String(found) !== String(needed)) {
      const what = `${path}: column ${column.name} is ${found}, needed ${needed}`;
      throw new TraceError('corrupt', what);
    }
    return column.type === 'code' ? renumber(child, table, column, path) : child;
  });
  return batchFrom(schema, batch.numRows, children);
}

function absent(table: Table, index: number, rows: number): Data {
  const column = table.columns[index]!;
  const { type } = arrowSchema(table).fields[index]!;
  const nulls = { nullCount: rows, nullBitmap: new Uint8Array((rows + 7) >>> 3) };
  const values =
    column.type === 'name'
      ? { valueOffsets: new Int32Array(rows + 1), data: new Uint8Array(0) }
      : valuesIn(new ArrayBuffer(rows * WIDEST), 0, rows, { table, column });
  return makeData({ type, length: rows, ...nulls, ...values } as never) as Data;
}

function renumber(child: Data, table: Table, column: Column, path: string): Data {
  const dictionary = dictionaryOf(table, column);
  const words = column.words ?? [];
  const found = [...(child.dictionary ?? new Vector([]))].map(String);
  const numbers = Int8Array.from(found, (word) => words.indexOf(word));
  const unknown = numbers.indexOf(-1);
  if (unknown >= 0) {
    const said = `${path}: ${column.name} says "${found[unknown]}"`;
    throw new TraceError('corrupt', `${said}, needed one of: ${words.join(', ')}`);
  }
  const values: Int8Array = child.values;
  const { length, nullCount, nullBitmap } = child;
  const data = new Int8Array(length);
  for (let row = 0; row < length; row++) data[row] = numbers[values[row]!] ?? 0;
  const type = arrowSchema(table).fields[table.columns.indexOf(column)]!.type;
  if (!(type instanceof Dictionary)) return child;
  return makeData({ type, length, nullCount, nullBitmap, data, dictionary });
}
