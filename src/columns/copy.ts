/**
 * Loops that carry one column of a run of rows into a typed array. Each is
 * flat and of one shape; which one a column needs is chosen once, in
 * column-builder.ts. `at` is the word of the column in the first row, `stride`
 * the words of a row, `from` and `to` the rows to fill.
 */

/** Where a run of rows lies. The words belong to the caller and may be reused after the call. */
export interface Run {
  readonly words: Int32Array;
  readonly stride: number;
  readonly from: number;
  readonly to: number;
}

export function copyNarrow(run: Run, at: number, out: Uint8Array | Uint16Array | Int8Array): void {
  const { words, stride, from, to } = run;
  for (let row = from, word = at + from * stride; row < to; row++, word += stride) {
    out[row] = words[word]!;
  }
}

export function copyWord(run: Run, at: number, out: Int32Array): void {
  const { words, stride, from, to } = run;
  for (let row = from, word = at + from * stride; row < to; row++, word += stride) {
    out[row] = words[word]!;
  }
}

export function copyPair(run: Run, at: number, out: Int32Array): void {
  const { words, stride, from, to } = run;
  for (let row = from, word = at + from * stride; row < to; row++, word += stride) {
    out[row * 2] = words[word]!;
    out[row * 2 + 1] = words[word + 1]!;
  }
}

export function copyAddress(run: Run, at: number, out: Int32Array): void {
  const { words, stride, from, to } = run;
  for (let row = from, word = at + from * stride; row < to; row++, word += stride) {
    const to4 = row * 4;
    out[to4] = words[word]!;
    out[to4 + 1] = words[word + 1]!;
    out[to4 + 2] = words[word + 2]!;
    out[to4 + 3] = words[word + 3]!;
  }
}

/** Adds a 64-bit offset to each value, in halves, with carry. */
export function copyShifted(
  run: Run,
  at: number,
  out: Int32Array,
  low: number,
  high: number,
): void {
  const { words, stride, from, to } = run;
  for (let row = from, word = at + from * stride; row < to; row++, word += stride) {
    const sum = (words[word]! >>> 0) + low;
    out[row * 2] = sum | 0;
    out[row * 2 + 1] = words[word + 1]! + high + (sum > 0xffffffff ? 1 : 0);
  }
}

export function copyBits(run: Run, at: number, out: Uint8Array): void {
  const { words, stride, from, to } = run;
  for (let row = from, word = at + from * stride; row < to; row++, word += stride) {
    if (words[word]! !== 0) out[row >>> 3]! |= 1 << (row & 7);
  }
}

/**
 * Validity bits (set: there is a value) from null bits, a byte at a time.
 * `from` must be a multiple of eight. Returns how many rows are null.
 */
export function copyValidity(run: Run, at: number, nullBit: number, out: Uint8Array): number {
  const { words, stride, from, to } = run;
  let valid = 0;
  let byte = 0;
  for (let row = from, word = at + from * stride; row < to; row++, word += stride) {
    const bit = ((words[word]! >>> nullBit) & 1) ^ 1;
    valid += bit;
    byte |= bit << (row & 7);
    if ((row & 7) === 7) {
      out[row >>> 3] = byte;
      byte = 0;
    }
  }
  if ((to & 7) !== 0) out[to >>> 3] = byte;
  return to - from - valid;
}
