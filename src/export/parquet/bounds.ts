/** Least and greatest of a column's values, as statistics have them: plain bytes. */

export interface Bounds {
  readonly least: Uint8Array;
  readonly greatest: Uint8Array;
}

/** How values compare: as numbers of 32 or 64 bits, or byte by byte. */
export type Order = 'signed' | 'unsigned' | 'bytes';

/** `count` values of `stride` words, at least one. */
export function boundsOf(words: Int32Array, count: number, stride: number, order: Order): Bounds {
  const flip = order === 'unsigned' ? 0x80000000 | 0 : 0;
  const [least, greatest] =
    stride === 1
      ? extremes1(words, count, flip)
      : stride === 2
        ? extremes2(words, count, flip)
        : extremesOfBytes(words, count, stride);
  return { least: bytesAt(words, least, stride), greatest: bytesAt(words, greatest, stride) };
}

/** The same of values of which none is less than the one before, in 64 bits with a sign. */
export function boundsOfGrowing(words: Int32Array, count: number, stride: number): Bounds {
  return { least: bytesAt(words, 0, stride), greatest: bytesAt(words, count - 1, stride) };
}

function bytesAt(words: Int32Array, place: number, stride: number): Uint8Array {
  return new Uint8Array(words.slice(place * stride, (place + 1) * stride).buffer);
}

function extremes1(words: Int32Array, count: number, flip: number): [number, number] {
  let least = words[0]! ^ flip;
  let greatest = least;
  let [leastAt, greatestAt] = [0, 0];
  for (let i = 1; i < count; i++) {
    const value = words[i]! ^ flip;
    if (value < least) {
      least = value;
      leastAt = i;
    } else if (value > greatest) {
      greatest = value;
      greatestAt = i;
    }
  }
  return [leastAt, greatestAt];
}

function extremes2(words: Int32Array, count: number, flip: number): [number, number] {
  let [leastHigh, leastLow] = [words[1]! ^ flip, words[0]! >>> 0];
  let [greatestHigh, greatestLow] = [leastHigh, leastLow];
  let [leastAt, greatestAt] = [0, 0];
  for (let i = 1, at = 2; i < count; i++, at += 2) {
    const low = words[at]! >>> 0;
    const high = words[at + 1]! ^ flip;
    if (high < leastHigh || (high === leastHigh && low < leastLow)) {
      leastHigh = high;
      leastLow = low;
      leastAt = i;
    }
    if (high > greatestHigh || (high === greatestHigh && low > greatestLow)) {
      greatestHigh = high;
      greatestLow = low;
      greatestAt = i;
    }
  }
  return [leastAt, greatestAt];
}

function extremesOfBytes(words: Int32Array, count: number, stride: number): [number, number] {
  let [least, greatest] = [0, 0];
  for (let i = 1; i < count; i++) {
    if (compareBytes(words, i * stride, least * stride, stride) < 0) least = i;
    else if (compareBytes(words, i * stride, greatest * stride, stride) > 0) greatest = i;
  }
  return [least, greatest];
}

/** Byte by byte from the front: the front is the low end of a word. */
function compareBytes(words: Int32Array, a: number, b: number, stride: number): number {
  for (let k = 0; k < stride; k++) {
    if (words[a + k] === words[b + k]) continue;
    return swapped(words[a + k]!) - swapped(words[b + k]!);
  }
  return 0;
}

function swapped(word: number): number {
  const low = ((word & 0xff) << 24) | ((word & 0xff00) << 8);
  return (low | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}
