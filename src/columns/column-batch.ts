/** Columns filled in place to a RecordBatch: the arrays are taken as they are, bits are packed. */
import { type Data, makeData, type RecordBatch, type Schema } from 'apache-arrow';
import type { Columns, ColumnValues, RowBit, Values } from '../model/columns.ts';
import type { Column } from '../model/tables.ts';
import { batchFrom } from './batch.ts';
import { type NameBytes, namesData } from './names.ts';
import { arrowSchema, dictionaryOf } from './schema.ts';

/** One bit of each row, packed as Arrow wants it; `count` of them are set. */
interface Packed {
  readonly bits: Uint8Array;
  readonly count: number;
}

/** Packs bits of row words; most are the same in all rows, which one look at the words tells. */
class Packer {
  private readonly length: number;
  private readonly anyOf = new Map<Int32Array, number>();
  private readonly allOf = new Map<Int32Array, number>();

  constructor(length: number) {
    this.length = length;
  }

  pack({ words, bit }: RowBit): Packed {
    if (!this.anyOf.has(words)) this.survey(words);
    const { length } = this;
    const bits = new Uint8Array((length + 7) >>> 3);
    if (((this.anyOf.get(words)! >>> bit) & 1) === 0) return { bits, count: 0 };
    if (((this.allOf.get(words)! >>> bit) & 1) === 1) {
      bits.fill(0xff);
      return { bits, count: length };
    }
    let count = 0;
    for (let row = 0; row < length; row++) {
      const value = (words[row]! >>> bit) & 1;
      count += value;
      bits[row >>> 3]! |= value << (row & 7);
    }
    return { bits, count };
  }

  private survey(words: Int32Array): void {
    let any = 0;
    let all = -1;
    for (let row = 0; row < this.length; row++) {
      any |= words[row]!;
      all &= words[row]!;
    }
    this.anyOf.set(words, any);
    this.allOf.set(words, all);
  }
}

/** The batch owns the arrays from now on. */
export function columnBatch(columns: Columns, names: NameBytes): RecordBatch {
  const { table, length } = columns;
  const schema: Schema = arrowSchema(table);
  const packer = new Packer(length);
  const children = table.columns.map((column, index) => {
    const source = columns.columns[index]!;
    const { type } = schema.fields[index]!;
    const valid = source.valid === undefined ? undefined : packer.pack(source.valid);
    const values = valuesOf(columns, column, source, packer, valid, names);
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
  { values, truth }: ColumnValues,
  packer: Packer,
  valid: Packed | undefined,
  names: NameBytes,
): object {
  if (truth !== undefined) return { data: packer.pack(truth).bits };
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
