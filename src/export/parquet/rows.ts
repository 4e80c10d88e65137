/** Rows as the encoder gets them: the memory of whole columns, batch by batch. */
import type { Column } from '../../model/tables.ts';

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

/** The same memory as values of another size. */
export function asWords({ buffer, byteOffset, byteLength }: Uint8Array): Int32Array {
  return new Int32Array(buffer, byteOffset, byteLength >>> 2);
}

/** May a column have nulls in these rows? Absent validity says that it has none. */
export function hasNulls(spans: readonly Span[], index: number): boolean {
  return spans.some(({ columns }) => columns[index]!.validity !== undefined);
}

/** 32-bit words of a value in the scratch memory. */
export function strideOf({ type }: Column): 1 | 2 | 4 {
  if (type === 'address') return 4;
  return type === 'u64' || type === 'timestamp' ? 2 : 1;
}
