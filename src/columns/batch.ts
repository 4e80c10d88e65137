/**
 * Rows to record batches. In: `rowCount` rows of words (model/tables.ts), lent
 * for the call. Out: a RecordBatch that owns its memory. Rows are taken in
 * tiles small enough for the cache, all columns of a tile before the next:
 * a pass per column over megabytes of rows costs several times as much.
 */
import { type Data, makeData, RecordBatch, type Schema, Struct } from 'apache-arrow';
import { layoutOf, type RowLayout } from '../model/row-layout.ts';
import type { Table } from '../model/tables.ts';
import { type ColumnBuilder, columnBuilder } from './column-builder.ts';
import { NameBytes } from './names.ts';
import { arrowSchema } from './schema.ts';

/** Rows of a tile; a multiple of eight, so that tiles share no byte of a bitmap. */
const TILE = 256;

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
    const builders = this.builders(rowCount);
    for (let from = 0; from < rowCount; from += TILE) {
      const run = { words, stride, from, to: Math.min(from + TILE, rowCount) };
      for (const builder of builders) builder.fill(run);
    }
    return batchFrom(
      this.schema,
      rowCount,
      builders.map((builder) => builder.finish()),
    );
  }

  private builders(rows: number): ColumnBuilder[] {
    const { table, clockOffsetNs, names } = this;
    return table.columns.map((column, index) => {
      const { type } = this.schema.fields[index]!;
      const at = this.layout.at(column.name);
      return columnBuilder({ table, column, type, index, at, rows, clockOffsetNs, names });
    });
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
