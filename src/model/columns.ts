/**
 * A batch in the making as columns: what `rebuild/` fills in place and
 * `columns/` hands to Arrow without a copy. Wide values are pairs of 32-bit
 * words, low first; addresses four words in network order.
 */
import type { Table } from './tables.ts';

export type Values = Int8Array | Uint8Array | Uint16Array | Int32Array;

/** One bit of each row, least significant first, as Arrow wants it; `count` of them are set. */
export interface Packed {
  readonly bits: Uint8Array;
  readonly count: number;
}

export interface ColumnValues {
  /** Undefined for a column of type bool. */
  readonly values?: Values;
  /** The value of a column of type bool. */
  readonly truth?: Packed;
  /** Set: the row has a value. Absent where the column cannot be null. */
  readonly valid?: Packed;
}

export interface Columns {
  readonly table: Table;
  readonly length: number;
  /** In the table's order. The arrays may be longer than `length`; who takes them owns them. */
  readonly columns: readonly ColumnValues[];
}
