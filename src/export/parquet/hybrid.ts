/**
 * Parquet's hybrid of runs and packed bits, for levels, booleans and indexes
 * into a dictionary. A column of one value is one run; all others are packed,
 * since zstd finds their runs as well.
 */
import type { ByteSink } from './byte-sink.ts';

/** One value, `count` times over; it needs at most 16 bits. */
export function putRun(sink: ByteSink, value: number, count: number, width: number): void {
  sink.varint(count * 2);
  sink.byte(value);
  if (width > 8) sink.byte(value >>> 8);
}

/**
 * Whole bytes or whole fractions of one: zstd sees no pattern across bits, so
 * that wider indexes come out smaller. Dictionaries have at most 65,536 entries.
 */
export function indexWidth(entries: number): number {
  if (entries <= 2) return 1;
  if (entries <= 4) return 2;
  if (entries <= 16) return 4;
  return entries <= 256 ? 8 : 16;
}

/** Values of `width` 1, 2, 4, 8 or 16 bits. `values` must have room for 7 more than `count`. */
export function putPacked(
  sink: ByteSink,
  values: Int32Array,
  count: number,
  width: number,
): void {
  const groups = (count + 7) >>> 3;
  values.fill(0, count, groups * 8);
  sink.varint(groups * 2 + 1);
  sink.reserve(groups * width);
  const { bytes, at } = sink;
  if (width === 16) packPairs(values, groups * 8, bytes, at);
  else if (width === 8) for (let i = 0; i < groups * 8; i++) bytes[at + i] = values[i]!;
  else packFractions(values, groups * width, width, bytes, at);
  sink.at = at + groups * width;
}

function packPairs(values: Int32Array, count: number, bytes: Uint8Array, at: number): void {
  for (let i = 0, to = at; i < count; i++, to += 2) {
    const value = values[i]!;
    bytes[to] = value;
    bytes[to + 1] = value >>> 8;
  }
}

function packFractions(
  values: Int32Array,
  length: number,
  width: number,
  bytes: Uint8Array,
  at: number,
): void {
  const end = at + length;
  for (let to = at, from = 0; to < end; to++) {
    let packed = 0;
    for (let shift = 0; shift < 8; shift += width) packed |= values[from++]! << shift;
    bytes[to] = packed;
  }
}
