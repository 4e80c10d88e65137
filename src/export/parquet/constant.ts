/**
 * Columns that say the same in every row, of which there are many: seen by one
 * comparison of memory with itself, one value further on.
 */
import type { ColumnType } from '../../model/tables.ts';
import type { Span } from './rows.ts';

/** Bytes of a value; names have no fixed size, and bits are packed as they are. */
const WIDTH: Readonly<Partial<Record<ColumnType, number>>> = {
  code: 1,
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  timestamp: 8,
  address: 16,
};

/** Whether all rows of all spans have one value. None may be null. */
export function isConstant(spans: readonly Span[], index: number, type: ColumnType): boolean {
  const width = WIDTH[type];
  if (width === undefined) return false;
  const parts = spans.map(({ columns, from, rows }) =>
    columns[index]!.values.subarray(from * width, (from + rows) * width),
  );
  const first = parts[0]!.subarray(0, width);
  return parts.every((part) => isSame(part.subarray(0, width), first) && repeats(part, width));
}

/** Is it one value of `width` bytes, again and again? */
function repeats(bytes: Uint8Array, width: number): boolean {
  return isSame(bytes.subarray(width), bytes.subarray(0, bytes.length - width));
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
