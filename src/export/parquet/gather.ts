/** The values of a column, batch after batch and without its nulls, as 32-bit words in a row. */
import type { Column } from '../../model/tables.ts';
import { isConstant } from './constant.ts';
import { presentRows } from './levels.ts';
import { asWords, type ColumnMemory, hasNulls, type Span, strideOf } from './rows.ts';

export class Gathered {
  words = new Int32Array(1024);
  /** Values, not words. */
  count = 0;
  private rows = new Int32Array(1024);
  /** Whether all are one value; undefined: nobody has looked yet. */
  private isOne: boolean | undefined;

  /** Not for names, which have no fixed size. Of values that are all the same, only the first. */
  gather(spans: readonly Span[], column: Column, index: number): void {
    const total = spans.reduce((sum, span) => sum + span.rows, 0);
    const stride = strideOf(column);
    this.isOne = hasNulls(spans, index) ? undefined : isConstant(spans, index, column.type);
    if (this.isOne === true) {
      this.count = 0;
      this.add({ ...spans[0]!, rows: 1 }, column, index, stride);
      this.count = total;
      return;
    }
    if (this.words.length < total * stride + 8) this.words = new Int32Array(total * stride + 8);
    this.count = 0;
    for (const span of spans) this.add(span, column, index, stride);
  }

  /** Rows of a span that have a value; undefined where all have. */
  present(span: Span, index: number): Int32Array | undefined {
    if (span.columns[index]!.validity === undefined) return undefined;
    if (this.rows.length < span.rows) this.rows = new Int32Array(span.rows);
    return this.rows.subarray(0, presentRows(span, index, this.rows));
  }

  /** Whether all are one value: most columns have nothing else to say. */
  isOneValue(stride: number): boolean {
    this.isOne ??= this.look(stride);
    return this.isOne;
  }

  private look(stride: number): boolean {
    const { words, count } = this;
    const end = count * stride;
    for (let word = 0; word < stride; word++) {
      const first = words[word]!;
      for (let i = word + stride; i < end; i += stride) if (words[i] !== first) return false;
    }
    return true;
  }

  private add(span: Span, { type }: Column, index: number, stride: number): void {
    const { words, count } = this;
    const memory = span.columns[index]!;
    const rows = this.present(span, index);
    const at = count * stride;
    if (type === 'bool') addBits(words, at, memory, span, rows);
    else if (type === 'u16') addAll(words, at, asHalves(memory.values), span, rows);
    else if (stride > 1 || type === 'u32') {
      addWords(words, at, asWords(memory.values), span, rows, stride);
    } else addAll(words, at, memory.values, span, rows);
    this.count += rows?.length ?? span.rows;
  }
}

function asHalves({ buffer, byteOffset, byteLength }: Uint8Array): Uint16Array {
  return new Uint16Array(buffer, byteOffset, byteLength >>> 1);
}

/** All of one kind of memory share a loop. */
function addAll(
  words: Int32Array,
  at: number,
  values: Uint8Array | Uint16Array,
  { from, rows: count }: Span,
  rows: Int32Array | undefined,
): void {
  if (rows === undefined) words.set(values.subarray(from, from + count), at);
  else for (let i = 0; i < rows.length; i++) words[at + i] = values[rows[i]!]!;
}

function addBits(
  words: Int32Array,
  at: number,
  { values }: ColumnMemory,
  { from, rows: count }: Span,
  rows: Int32Array | undefined,
): void {
  const bits = values;
  if (rows === undefined) {
    for (let i = 0, row = from; i < count; i++, row++) {
      words[at + i] = (bits[row >>> 3]! >>> (row & 7)) & 1;
    }
    return;
  }
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    words[at + i] = (bits[row >>> 3]! >>> (row & 7)) & 1;
  }
}

function addWords(
  words: Int32Array,
  at: number,
  values: Int32Array,
  { from, rows: count }: Span,
  rows: Int32Array | undefined,
  stride: number,
): void {
  if (rows === undefined) {
    words.set(values.subarray(from * stride, (from + count) * stride), at);
  } else if (stride === 1) {
    for (let i = 0; i < rows.length; i++) words[at + i] = values[rows[i]!]!;
  } else if (stride === 2) {
    for (let i = 0, to = at; i < rows.length; i++, to += 2) {
      const start = rows[i]! * 2;
      words[to] = values[start]!;
      words[to + 1] = values[start + 1]!;
    }
  } else {
    for (let i = 0, to = at; i < rows.length; i++, to += stride) {
      const start = rows[i]! * stride;
      for (let k = 0; k < stride; k++) words[to + k] = values[start + k]!;
    }
  }
}
