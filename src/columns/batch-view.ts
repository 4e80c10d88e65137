/**
 * A batch, read by column name: typed arrays where they serve, words and text
 * where somebody reads. Views the batch's memory; the batch must not change.
 */
import type { Data, RecordBatch } from 'apache-arrow';
import { addressText } from '../model/address.ts';
import type { Column, Table } from '../model/tables.ts';

export type Value = string | number | bigint | boolean | null;

/** One bit a row, ready to be asked in a loop over rows. */
export class Bits {
  private readonly bytes: Uint8Array | undefined;
  private readonly offset: number;

  /** Without bytes every bit is set. */
  constructor(bytes: Uint8Array | undefined, offset: number) {
    this.bytes = bytes;
    this.offset = offset;
  }

  at(row: number): boolean {
    if (this.bytes === undefined) return true;
    const bit = row + this.offset;
    return ((this.bytes[bit >>> 3]! >>> (bit & 7)) & 1) === 1;
  }
}

export class BatchView {
  readonly rows: number;
  private readonly batch: RecordBatch;
  private readonly table: Table;
  private readonly indexes = new Map<string, number>();
  private readonly children = new Map<string, Data>();
  /** Words of the columns of codes, numbered as in the table (conform.ts). */
  private readonly words = new Map<string, readonly string[]>();

  constructor(batch: RecordBatch, table: Table) {
    this.rows = batch.numRows;
    this.batch = batch;
    this.table = table;
    batch.schema.fields.forEach(({ name }, index) => {
      this.indexes.set(name, index);
    });
    for (const { name, words } of table.columns)
      if (words !== undefined) this.words.set(name, words);
  }

  isNull(name: string, row: number): boolean {
    return !this.data(name).getValid(row);
  }

  /** Which rows of a column are not null. */
  given(name: string): Bits {
    const { nullable, nullCount, nullBitmap, offset } = this.data(name);
    return new Bits(nullable && nullCount > 0 ? nullBitmap : undefined, offset);
  }

  /** A column of bool. */
  truths(name: string): Bits {
    const { values, offset } = this.data(name);
    return new Bits(values as Uint8Array, offset);
  }

  /** A column of u8, u16, u32 or of codes. */
  numbers(name: string): ArrayLike<number> {
    return this.data(name).values as ArrayLike<number>;
  }

  /** A column of u64 or timestamps. */
  bigs(name: string): ArrayLike<bigint> {
    return this.data(name).values as ArrayLike<bigint>;
  }

  /** The same, two words a row, low first. */
  wideWords(name: string): Int32Array {
    const { buffer, byteOffset, length } = this.data(name).values as BigInt64Array;
    return new Int32Array(buffer, byteOffset, length * 2);
  }

  isTrue(name: string, row: number): boolean {
    const { values, offset } = this.data(name);
    const bit = row + offset;
    return (((values as Uint8Array)[bit >>> 3]! >>> (bit & 7)) & 1) === 1;
  }

  address(name: string, row: number): string {
    return addressText(this.data(name).values as Uint8Array, row * 16);
  }

  /** A column of addresses: 16 bytes a row, in network order. */
  bytes(name: string): Uint8Array {
    return this.data(name).values as Uint8Array;
  }

  /** A name, or the word of a code. */
  word(name: string, row: number): string | null {
    const words = this.words.get(name);
    if (words !== undefined) {
      return this.isNull(name, row) ? null : (words[this.numbers(name)[row]!] ?? null);
    }
    const value: unknown = this.batch.getChildAt(this.indexOf(name))?.get(row);
    return typeof value === 'string' ? value : null;
  }

  /** Any column's value as a person or a program would write it. */
  value(column: Column, row: number): Value {
    const { name, type } = column;
    if (this.isNull(name, row)) return null;
    switch (type) {
      case 'bool':
        return this.isTrue(name, row);
      case 'u8':
      case 'u16':
      case 'u32':
        return this.numbers(name)[row]!;
      case 'u64':
      case 'timestamp':
        return this.bigs(name)[row]!;
      case 'address':
        return this.address(name, row);
      case 'code':
      case 'name':
        return this.word(name, row);
    }
  }

  /** One row by column name. */
  row(row: number): Record<string, Value> {
    return Object.fromEntries(
      this.table.columns.map((column) => [column.name, this.value(column, row)]),
    );
  }

  private data(name: string): Data {
    const known = this.children.get(name);
    if (known !== undefined) return known;
    const found = this.batch.data.children[this.indexOf(name)]!;
    this.children.set(name, found);
    return found;
  }

  private indexOf(name: string): number {
    const index = this.indexes.get(name);
    if (index === undefined) throw new RangeError(`batch of ${this.table.name} has no ${name}`);
    return index;
  }
}
