/** Rows as the encoder gets them: the memory of whole columns, batch by batch. */

/** One column of a batch. All views begin at its first row; they may share memory. */
export interface ColumnMemory {
  readonly values: Uint8Array;
  /** Of names: where each begins in `values`, one more than rows. */
  readonly offsets?: Uint8Array;
  /** A set bit for each row that has a value; absent where all have. */
  readonly validity?: Uint8Array;
}

/** Rows of one batch; `from` is a multiple of eight. */
export interface Span {
  readonly columns: readonly ColumnMemory[];
  readonly from: number;
  readonly rows: number;
}
