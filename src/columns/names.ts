/** Names as UTF-8: encoded once each, copied per row. */

/** The bytes of a growing list of names, encoded at first use and kept. */
export class NameBytes {
  private readonly names: readonly string[];
  private readonly encoded: Uint8Array[] = [];

  constructor(names: readonly string[]) {
    this.names = names;
  }

  /** A number without a name is our own error: rows and names come from one rebuild. */
  of(number: number): Uint8Array {
    const known = this.encoded[number];
    if (known !== undefined) return known;
    const name = this.names[number];
    if (name === undefined) {
      throw new RangeError(`row names number ${number}, ${this.names.length} names are known`);
    }
    const bytes = Buffer.from(name);
    this.encoded[number] = bytes;
    return bytes;
  }
}

/** Rows of words, `stride` of them each. */
interface Rows {
  readonly words: Int32Array;
  readonly stride: number;
  readonly rows: number;
}

/**
 * The column at word `at`; `nullBit` of the null words, undefined where it
 * cannot be null. Numbers first, -1 for null: only then is the number of bytes known.
 */
export function nameColumn(
  { words, stride, rows }: Rows,
  at: number,
  nullBit: number | undefined,
  names: NameBytes,
): object {
  const numbers = new Int32Array(rows);
  const nullWord = (nullBit ?? 0) >>> 5;
  const nullMask = nullBit === undefined ? 0 : 1 << (nullBit & 31);
  for (let row = 0, word = 0; row < rows; row++, word += stride) {
    numbers[row] = (words[word + nullWord]! & nullMask) !== 0 ? -1 : words[word + at]!;
  }
  return encode(numbers, names);
}

function encode(numbers: Int32Array, names: NameBytes): object {
  const valueOffsets = new Int32Array(numbers.length + 1);
  let end = 0;
  for (let row = 0; row < numbers.length; row++) {
    const number = numbers[row]!;
    if (number >= 0) end += names.of(number).length;
    valueOffsets[row + 1] = end;
  }
  const data = new Uint8Array(end);
  for (let row = 0; row < numbers.length; row++) {
    const number = numbers[row]!;
    if (number >= 0) data.set(names.of(number), valueOffsets[row]!);
  }
  return { valueOffsets, data };
}

/** The same from a column of numbers with its null bits. */
export function namesData(
  numbers: Int32Array,
  length: number,
  valid: Uint8Array | undefined,
  names: NameBytes,
): object {
  const known = numbers.subarray(0, length);
  if (valid === undefined) return encode(known, names);
  if (!valid.some((byte) => byte !== 0)) {
    return { valueOffsets: new Int32Array(length + 1), data: new Uint8Array(0) };
  }
  const marked = known.map((number, row) =>
    ((valid[row >>> 3]! >>> (row & 7)) & 1) === 1 ? number : -1,
  );
  return encode(marked, names);
}
