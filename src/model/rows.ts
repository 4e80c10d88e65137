import { layoutOf, type RowLayout } from './row-layout.ts';
import type { Table } from './tables.ts';

/**
 * Rows on their way from rebuild to columns. `words` holds `length` rows of
 * `layout.stride` words. Whoever takes the buffer must copy before `clear()`:
 * the words are used again.
 */
export class RowBuffer {
  readonly table: Table;
  readonly layout: RowLayout;
  readonly capacity: number;
  readonly words: Int32Array;
  length = 0;

  constructor(table: Table, capacity: number) {
    this.table = table;
    this.layout = layoutOf(table);
    this.capacity = capacity;
    this.words = new Int32Array(capacity * this.layout.stride);
  }

  get isFull(): boolean {
    return this.length === this.capacity;
  }

  /** Word index of a fresh row, all zero, no column null. The caller checks isFull first. */
  next(): number {
    const at = this.length * this.layout.stride;
    this.words.fill(0, at, at + this.layout.stride);
    this.length++;
    return at;
  }

  /** Copies a row that begins at a word. The caller checks isFull first. */
  append(words: Int32Array, row: number): void {
    const { stride } = this.layout;
    this.words.set(words.subarray(row, row + stride), this.length * stride);
    this.length++;
  }

  clear(): void {
    this.length = 0;
  }
}

/** Names given out as numbers, in order of first use: drop reasons, kernel functions. */
export class NameTable {
  readonly names: string[] = [];
  private readonly numbers = new Map<string, number>();

  numberOf(name: string): number {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    const number = this.names.length;
    this.names.push(name);
    this.numbers.set(name, number);
    return number;
  }
}
