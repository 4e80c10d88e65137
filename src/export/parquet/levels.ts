/**
 * Definition levels of a nullable column: Arrow's validity bits are the packed
 * bits of the format as they are, once those of all batches stand in a row.
 */
import type { ByteSink } from './byte-sink.ts';
import { putRun } from './hybrid.ts';
import type { Span } from './rows.ts';

/** @returns number of rows that have a value. */
export function putLevels(sink: ByteSink, spans: readonly Span[], column: number): number {
  return putBits(sink, spans, ({ columns }) => columns[column]!.validity);
}

/**
 * Bits of all spans in a row, with their length before them; a column that has
 * none has ones. @returns number of those that are set.
 */
export function putBits(
  sink: ByteSink,
  spans: readonly Span[],
  bitsOf: (span: Span) => Uint8Array | undefined,
): number {
  const start = sink.at;
  sink.u32(0);
  const rows = spans.reduce((sum, span) => sum + span.rows, 0);
  const isOnes = spans.every((span) => bitsOf(span) === undefined);
  const set = isOnes ? rows : putPackedBits(sink, spans, rows, bitsOf);
  if (set === 0 || set === rows) {
    sink.at = start + 4;
    putRun(sink, set === 0 ? 0 : 1, rows, 1);
  }
  sink.setU32(start, sink.at - start - 4);
  return set;
}

function putPackedBits(
  sink: ByteSink,
  spans: readonly Span[],
  rows: number,
  bitsOf: (span: Span) => Uint8Array | undefined,
): number {
  const groups = (rows + 7) >>> 3;
  sink.varint(groups * 2 + 1);
  const bitsAt = sink.at;
  sink.reserve(groups + 1);
  sink.bytes.fill(0, bitsAt, bitsAt + groups + 1);
  let row = 0;
  for (const span of spans) {
    copyBits(sink.bytes, bitsAt * 8 + row, bitsOf(span)?.subarray(span.from >>> 3), span.rows);
    row += span.rows;
  }
  sink.at = bitsAt + groups;
  return countBits(sink.bytes, bitsAt, groups);
}

/** Sets bits that were 0; no source stands for ones throughout. */
function copyBits(
  to: Uint8Array,
  toBit: number,
  from: Uint8Array | undefined,
  count: number,
): void {
  const shift = toBit & 7;
  let at = toBit >>> 3;
  if (shift === 0 && from !== undefined) {
    copyWhole(to, at, from, count);
    return;
  }
  for (let done = 0; done < count; done += 8, at++) {
    const left = count - done;
    const byte = (from?.[done >>> 3] ?? 0xff) & (left < 8 ? (1 << left) - 1 : 0xff);
    to[at]! |= byte << shift;
    if (shift > 0) to[at + 1]! |= byte >>> (8 - shift);
  }
}

function copyWhole(to: Uint8Array, at: number, from: Uint8Array, count: number): void {
  const bytes = (count + 7) >>> 3;
  to.set(from.subarray(0, bytes), at);
  if ((count & 7) !== 0) to[at + bytes - 1]! &= (1 << (count & 7)) - 1;
}

function countBits(bytes: Uint8Array, at: number, length: number): number {
  let count = 0;
  for (let i = at; i < at + length; i++) count += ONES[bytes[i]!]!;
  return count;
}

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let rest = byte; rest > 0; rest >>>= 1) ones += rest & 1;
  return ones;
});

/** The rows of a span that have a value, as indexes into its columns. */
export function presentRows({ columns, from, rows }: Span, column: number, to: Int32Array): number {
  const bits = columns[column]!.validity!;
  const end = from + rows;
  let count = 0;
  for (let row = from; row < end; row += 8) {
    let byte = bits[row >>> 3]!;
    if (end - row < 8) byte &= (1 << (end - row)) - 1;
    if (byte === 0xff) {
      for (let bit = 0; bit < 8; bit++) to[count++] = row + bit;
      continue;
    }
    for (; byte !== 0; byte &= byte - 1) to[count++] = row + 31 - Math.clz32(byte & -byte);
  }
  return count;
}
