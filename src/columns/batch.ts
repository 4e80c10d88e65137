/**
 * Rows to record batches. In: `rowCount` rows of words (model/tables.ts), lent
 * for the call. Out: a RecordBatch that owns its memory, which is one piece.
 */
import { type Data, makeData, RecordBatch, type Schema, Struct } from 'apache-arrow';
import { layoutOf, type RowLayout } from '../model/row-layout.ts';
import type { Table } from '../model/tables.ts';
import { ColumnBuilder } from './column-builder.ts';
import { NameBytes } from './names.ts';
import { arrowSchema } from './schema.ts';

/** Memory is taken for so many rows at least, and for a power of two. */
const LEAST_ROWS = 64;

export interface BatchContext {
  /** Wall clock minus CLOCK_MONOTONIC. */
  readonly clockOffsetNs: bigint;
  /** What columns of type name refer to; may grow between batches. */
  readonly names: readonly string[];
}

/** Makes the batches of one table. */
export class BatchBuilder {
  readonly schema: Schema;
  private readonly table: Table;
  private readonly layout: RowLayout;
  private readonly clockOffsetNs: bigint;
  private readonly names: NameBytes;
  /** By the rows that their memory is for. */
  private readonly builders = new Map<number, ColumnBuilder>();

  constructor(table: Table, context: BatchContext) {
    this.table = table;
    this.schema = arrowSchema(table);
    this.layout = layoutOf(table);
    this.clockOffsetNs = context.clockOffsetNs;
    this.names = new NameBytes(context.names);
  }

  batch(words: Int32Array, rowCount: number): RecordBatch {
    const { stride } = this.layout;
    if (rowCount * stride > words.length) {
      throw new RangeError(
        `${rowCount} rows need ${rowCount * stride} words, ${words.length} given`,
      );
    }
    const children = this.builderOf(rowCount).build(words, rowCount, this.names);
    return batchFrom(this.schema, rowCount, children);
  }

  private builderOf(rows: number): ColumnBuilder {
    const capacity = Math.max(LEAST_ROWS, 2 ** Math.ceil(Math.log2(Math.max(rows, 1))));
    const known = this.builders.get(capacity);
    if (known !== undefined) return known;
    const builder = new ColumnBuilder(this.table, this.layout, capacity, this.clockOffsetNs);
    this.builders.set(capacity, builder);
    return builder;
  }
}

export function batchOf(
  table: Table,
  words: Int32Array,
  rowCount: number,
  context: BatchContext,
): RecordBatch {
  return new BatchBuilder(table, context).batch(words, rowCount);
}

export function batchFrom(schema: Schema, length: number, children: Data[]): RecordBatch {
  const type = new Struct(schema.fields);
  return new RecordBatch(schema, makeData({ type, length, nullCount: 0, children }));
}

/** The same in memory of its own: who takes a batch takes its memory, too. */
export function copyBatch({ schema, numRows, data }: RecordBatch): RecordBatch {
  const children = data.children.map((child) => {
    const { type, length, nullCount, nullBitmap, values, valueOffsets, dictionary } = child;
    const own = (array: Uint8Array | undefined): Uint8Array | undefined => array?.slice();
    return makeData({
      type,
      length,
      nullCount,
      nullBitmap: own(nullBitmap),
      data: own(values as Uint8Array),
      valueOffsets: own(valueOffsets as unknown as Uint8Array),
      dictionary,
    } as never) as Data;
  });
  return batchFrom(schema, numRows, children);
}

/** A batch without rows, which still has the table's columns. */
export function emptyBatch(table: Table): RecordBatch {
  return batchOf(table, new Int32Array(0), 0, { clockOffsetNs: 0n, names: [] });
}
