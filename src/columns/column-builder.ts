/**
 * Columns of a batch under construction: all in one piece of memory, filled by
 * the shim, then handed over to Arrow without a copy.
 */
import { type Data, makeData, type Schema } from 'apache-arrow';
import { As, Transpose, type Transposed } from '../libbpf/transpose.ts';
import type { ColumnType } from '../model/column.ts';
import { columnMemory } from '../model/memory.ts';
import type { RowLayout } from '../model/row-layout.ts';
import { NULL_WORDS } from '../model/row-layout.ts';
import type { Column, Table } from '../model/tables.ts';
import { type NameBytes, nameColumn } from './names.ts';
import { arrowSchema, dictionaryOf } from './schema.ts';

const AS: Readonly<Record<ColumnType, number>> = {
  bool: As.bit,
  u8: As.one,
  u16: As.two,
  u32: As.four,
  u64: As.eight,
  timestamp: As.time,
  address: As.sixteen,
  code: As.one,
  name: As.nothing,
};

/** Columns begin at multiples of this, as Arrow wants it. */
const ALIGNED = 64;

/** Rows of a table to its columns, `capacity` of them at most. */
export class ColumnBuilder {
  readonly schema: Schema;
  private readonly table: Table;
  private readonly layout: RowLayout;
  private readonly transposed: readonly Transposed[];
  private readonly transpose: Transpose;
  private readonly bytes: number;

  constructor(table: Table, layout: RowLayout, capacity: number, clockOffsetNs: bigint) {
    if (table.columns.length > NULL_WORDS * 32)
      throw new RangeError(`${table.name} has more columns than null bits`);
    let bytes = 0;
    const take = (size: number): number => {
      const at = bytes;
      bytes = Math.ceil((at + size) / ALIGNED) * ALIGNED;
      return at;
    };
    this.schema = arrowSchema(table);
    this.table = table;
    this.layout = layout;
    this.transposed = table.columns.map(({ name, type, nullable }, nullBit) => ({
      word: layout.at(name),
      as: AS[type],
      values: take(bytesOf(AS[type], capacity)),
      ...(nullable ? { validity: take((capacity + 7) >>> 3) } : {}),
      nullBit,
    }));
    this.bytes = bytes;
    this.transpose = new Transpose(this.transposed, layout.stride, clockOffsetNs);
  }

  /** Children of a batch, in the order of the table; names are looked up in `names`. */
  build(words: Int32Array, rows: number, names: NameBytes): Data[] {
    const memory = columnMemory.take(this.bytes);
    this.transpose.fill(words, rows, memory);
    const { table, layout, schema } = this;
    const read = { words, rows, stride: layout.stride };
    return table.columns.map((column, index) => {
      const place = this.transposed[index]!;
      const values =
        column.type === 'name'
          ? nameColumn(read, place.word, column.nullable ? index : undefined, names)
          : valuesIn(memory, place.values, rows, { table, column });
      const nulls = this.nullsOf(index, memory, rows);
      const { type } = schema.fields[index]!;
      return makeData({ type, length: rows, ...nulls, ...values } as never) as Data;
    });
  }

  private nullsOf(index: number, memory: ArrayBuffer, rows: number): object {
    const { validity } = this.transposed[index]!;
    const nullCount = this.transpose.nullsOf(index);
    if (validity === undefined) return { nullCount: 0 };
    return { nullCount, nullBitmap: new Uint8Array(memory, validity, (rows + 7) >>> 3) };
  }
}

/** Values of a column in memory, from its first byte on; not of names. */
export function valuesIn(
  memory: ArrayBuffer,
  at: number,
  rows: number,
  { table, column }: { readonly table: Table; readonly column: Column },
): object {
  switch (column.type) {
    case 'u16':
      return { data: new Uint16Array(memory, at, rows) };
    case 'u32':
      return { data: new Uint32Array(memory, at, rows) };
    case 'u64':
      return { data: new BigUint64Array(memory, at, rows) };
    case 'timestamp':
      return { data: new BigInt64Array(memory, at, rows) };
    case 'code':
      return { data: new Int8Array(memory, at, rows), dictionary: dictionaryOf(table, column) };
    default:
      return { data: new Uint8Array(memory, at, bytesOf(AS[column.type], rows)) };
  }
}

/** Of the values of a column. */
function bytesOf(as: number, rows: number): number {
  if (as === As.bit) return (rows + 7) >>> 3;
  if (as === As.nothing) return 0;
  return (as === As.time ? 8 : as) * rows;
}
