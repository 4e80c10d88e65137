/**
 * DELTA_BINARY_PACKED: the first value, then differences less the smallest of
 * their block. Widths are whole bytes, though the format takes any: zstd finds
 * repeated differences only where they lie alike, and packing is a plain store.
 */
import type { ByteSink } from './byte-sink.ts';

const BLOCK = 128;
const MINIBLOCKS = 4;
const MINIBLOCK = BLOCK / MINIBLOCKS;
/** Differences are computed as doubles, and those of differences must be exact. */
const LARGEST_HIGH = 1 << 20;

const deltas = new Float64Array(BLOCK);
/** Upper words of all values, one over the other: below 0 if any is. */
let signs = 0;

/**
 * Where each value is at least the one before, and none has the upper bit, their
 * bounds are known, too.
 */
export type Growth = 'only up' | 'any';

/** @param stride words of a value: 1 for INT32, 2 for INT64.
 * @returns undefined where the values jump too far; the sink is then as it was. */
export function putDelta(
  sink: ByteSink,
  words: Int32Array,
  count: number,
  stride: 1 | 2,
): Growth | undefined {
  const start = sink.at;
  let isGrowing = stride === 2;
  signs = stride === 2 ? words[1]! : 0;
  sink.varint(BLOCK);
  sink.varint(MINIBLOCKS);
  sink.varint(count);
  putFirst(sink, words, stride);
  for (let from = 1; from < count; from += BLOCK) {
    const length = Math.min(BLOCK, count - from);
    if (stride === 1) deltas32(words, from, length);
    else if (!deltas64(words, from, length)) {
      sink.at = start;
      return undefined;
    }
    if (putBlock(sink, length) < 0) isGrowing = false;
  }
  return isGrowing && signs >= 0 ? 'only up' : 'any';
}

function putFirst(sink: ByteSink, words: Int32Array, stride: 1 | 2): void {
  if (stride === 1) {
    sink.zigzag(words[0]!);
    return;
  }
  const value = (BigInt(words[1]!) << 32n) | BigInt(words[0]! >>> 0);
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  for (; rest >= 0x80n; rest >>= 7n) sink.byte(Number(rest & 0x7fn) | 0x80);
  sink.byte(Number(rest));
}

/** Modulo 2^32, as readers add them up. */
function deltas32(words: Int32Array, from: number, length: number): void {
  let before = words[from - 1]!;
  for (let i = 0; i < length; i++) {
    const value = words[from + i]!;
    deltas[i] = (value - before) | 0;
    before = value;
  }
}

function deltas64(words: Int32Array, from: number, length: number): boolean {
  let low = words[from * 2 - 2]! >>> 0;
  let high = words[from * 2 - 1]!;
  let isFar = 0;
  for (let i = 0, at = from * 2; i < length; i++, at += 2) {
    const nextLow = words[at]! >>> 0;
    const nextHigh = words[at + 1]!;
    const upper = (nextHigh - high) | 0;
    isFar |= (upper + LARGEST_HIGH / 2) & -LARGEST_HIGH;
    deltas[i] = upper * 0x100000000 + (nextLow - low);
    signs |= nextHigh;
    low = nextLow;
    high = nextHigh;
  }
  return isFar === 0;
}

/** @returns the smallest difference. */
function putBlock(sink: ByteSink, length: number): number {
  let least = deltas[0]!;
  for (let i = 1; i < length; i++) if (deltas[i]! < least) least = deltas[i]!;
  sink.reserve(10 + MINIBLOCKS + BLOCK * 8);
  sink.zigzag(least);
  const widths = sink.at;
  sink.at += MINIBLOCKS;
  for (let mini = 0; mini < MINIBLOCKS; mini++) {
    const from = mini * MINIBLOCK;
    const end = Math.min(from + MINIBLOCK, length);
    let most = 0;
    for (let i = from; i < end; i++) {
      const rest = deltas[i]! - least;
      deltas[i] = rest;
      if (rest > most) most = rest;
    }
    const width = bytesOf(most);
    sink.bytes[widths + mini] = width * 8;
    if (width === 0) continue;
    if (end < from + MINIBLOCK) deltas.fill(0, Math.max(from, end), from + MINIBLOCK);
    sink.at = pack(sink.bytes, sink.at, from, width);
  }
  return least;
}

function bytesOf(most: number): number {
  const high = Math.floor(most / 0x100000000);
  const bits = high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(most);
  return (bits + 7) >>> 3;
}

/** One miniblock, `width` bytes a value. */
function pack(bytes: Uint8Array, at: number, from: number, width: number): number {
  if (width > 4) packWide(bytes, at, from, width);
  else PACK[width - 1]!(bytes, at, from);
  return at + width * MINIBLOCK;
}

type Pack = (bytes: Uint8Array, at: number, from: number) => void;

/** A loop for each width: one for all of them costs several times as much. */
const PACK: readonly Pack[] = [
  (bytes, at, from) => {
    for (let i = 0; i < MINIBLOCK; i++) bytes[at + i] = deltas[from + i]!;
  },
  (bytes, at, from) => {
    for (let i = from, to = at; i < from + MINIBLOCK; i++, to += 2) {
      const value = deltas[i]! | 0;
      bytes[to] = value;
      bytes[to + 1] = value >>> 8;
    }
  },
  (bytes, at, from) => {
    for (let i = from, to = at; i < from + MINIBLOCK; i++, to += 3) {
      const value = deltas[i]! | 0;
      bytes[to] = value;
      bytes[to + 1] = value >>> 8;
      bytes[to + 2] = value >>> 16;
    }
  },
  (bytes, at, from) => {
    for (let i = from, to = at; i < from + MINIBLOCK; i++, to += 4) {
      const value = deltas[i]! >>> 0;
      bytes[to] = value;
      bytes[to + 1] = value >>> 8;
      bytes[to + 2] = value >>> 16;
      bytes[to + 3] = value >>> 24;
    }
  },
];

function packWide(bytes: Uint8Array, at: number, from: number, width: number): void {
  for (let i = from, to = at; i < from + MINIBLOCK; i++, to += width) {
    const low = deltas[i]! >>> 0;
    const high = Math.floor(deltas[i]! / 0x100000000);
    for (let k = 0; k < 4; k++) bytes[to + k] = low >>> (k * 8);
    for (let k = 4; k < width; k++) bytes[to + k] = high >>> (k * 8 - 32);
  }
}
