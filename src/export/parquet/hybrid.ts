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
export function putPacked(sink: ByteSink, values: Int32Array, count: number, width: number): void {
  const groups = (count + 7) >>> 3;
  values.fill(0, count, groups * 8);
  sink.varint(groups * 2 + 1);
  sink.reserve(groups * width);
  PACK[width]!(values, groups, sink.bytes, sink.at);
  sink.at += groups * width;
}

type Pack = (values: Int32Array, groups: number, bytes: Uint8Array, at: number) => void;

/** A loop for each width: one for all of them costs several times as much. */
const PACK: Readonly<Record<number, Pack>> = {
  1: (values, groups, bytes, at) => {
    for (let to = at, i = 0; to < at + groups; to++, i += 8) {
      const low =
        values[i]! | (values[i + 1]! << 1) | (values[i + 2]! << 2) | (values[i + 3]! << 3);
      const high = values[i + 4]! | (values[i + 5]! << 1) | (values[i + 6]! << 2);
      bytes[to] = low | (high << 4) | (values[i + 7]! << 7);
    }
  },
  2: (values, groups, bytes, at) => {
    for (let to = at, i = 0; to < at + groups * 2; to++, i += 4) {
      const low = values[i]! | (values[i + 1]! << 2);
      bytes[to] = low | (values[i + 2]! << 4) | (values[i + 3]! << 6);
    }
  },
  4: (values, groups, bytes, at) => {
    for (let to = at, i = 0; to < at + groups * 4; to++, i += 2) {
      bytes[to] = values[i]! | (values[i + 1]! << 4);
    }
  },
  8: (values, groups, bytes, at) => {
    for (let i = 0; i < groups * 8; i++) bytes[at + i] = values[i]!;
  },
  16: (values, groups, bytes, at) => {
    for (let i = 0, to = at; i < groups * 8; i++, to += 2) {
      const value = values[i]!;
      bytes[to] = value;
      bytes[to + 1] = value >>> 8;
    }
  },
};
