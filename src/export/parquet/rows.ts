/** Rows as the encoder gets them: the memory of whole columns, batch by batch. */
import type { Column } from '../../model/tables.ts';

/** One column of a batch. All memory begins at its first row. */
export interface ColumnMemory {
  readonly values: ArrayBuffer;
  /** Of names: where each begins in `values`, one more than rows. */
  readonly offsets?: ArrayBuffer;
  /** A set bit for each row that has a value; absent where all have. */
  readonly validity?: ArrayBuffer;
}

/** Rows of one batch; `from` is a multiple of eight. */
export interface Span {
  readonly columns: readonly ColumnMemory[];
  readonly from: number;
  readonly rows: number;
}

/** 32-bit words of a value in the scratch memory. */
export function strideOf({ type }: Column): 1 | 2 | 4 {
  if (type === 'address') return 4;
  return type === 'u64' || type === 'timestamp' ? 2 : 1;
}
