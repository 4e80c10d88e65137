/** Small moves on 32-bit words that several row makers share. Times are (high, low) pairs. */
import { isLess } from '../wire/words.ts';

export function setNull(words: Int32Array, row: number, column: number): void {
  words[row + (column >>> 5)]! |= 1 << (column & 31);
}

export function clearNull(words: Int32Array, row: number, column: number): void {
  words[row + (column >>> 5)]! &= ~(1 << (column & 31));
}

export function isNull(words: Int32Array, row: number, column: number): boolean {
  return ((words[row + (column >>> 5)]! >>> (column & 31)) & 1) === 1;
}

export function copyPair(from: Int32Array, at: number, to: Int32Array, word: number): void {
  to[word] = from[at]!;
  to[word + 1] = from[at + 1]!;
}

/** The 64-bit value at a word, unsigned. */
export function wide(words: Int32Array, word: number): bigint {
  return (BigInt(words[word + 1]! >>> 0) << 32n) | BigInt(words[word]! >>> 0);
}

export function copyAddress(from: Int32Array, at: number, to: Int32Array, word: number): void {
  to[word] = from[at]!;
  to[word + 1] = from[at + 1]!;
  to[word + 2] = from[at + 2]!;
  to[word + 3] = from[at + 3]!;
}

export function sameAddress(a: Int32Array, at: number, b: Int32Array, word: number): boolean {
  return (
    a[at] === b[word] &&
    a[at + 1] === b[word + 1] &&
    a[at + 2] === b[word + 2] &&
    a[at + 3] === b[word + 3]
  );
}

/** Adds to the 64-bit value at `words[word]` the difference of those at `from[at]` and `base[place]`. */
export function writeLater(
  words: Int32Array,
  word: number,
  from: Int32Array,
  at: number,
  base: Int32Array,
  place: number,
): void {
  const low = (from[at]! >>> 0) - (base[place]! >>> 0);
  const sum = (words[word]! >>> 0) + low;
  words[word + 1]! += from[at + 1]! - base[place + 1]! + Math.floor(sum / 0x1_0000_0000);
  words[word] = sum;
}

/** Adds a count between -2^32 and 2^32 to the 64-bit value at a word. */
export function add(words: Int32Array, word: number, count: number): void {
  const sum = (words[word]! >>> 0) + count;
  words[word] = sum | 0;
  if (sum > 0xffffffff) words[word + 1]! += 1;
  else if (sum < 0) words[word + 1]! -= 1;
}

/** Is the time at `a[at]` more than `ns` (below 2^32) before the one at `b[word]`? */
export function isOlderThan(
  a: Int32Array,
  at: number,
  ns: number,
  b: Int32Array,
  word: number,
): boolean {
  const sum = (a[at]! >>> 0) + ns;
  const high = (a[at + 1]! >>> 0) + (sum > 0xffffffff ? 1 : 0);
  return isLess(high, sum, b[word + 1]!, b[word]!);
}
