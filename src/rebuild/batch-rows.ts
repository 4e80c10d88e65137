/** Rows of a table that change no more, handed over by the batch. */
import { RowBuffer } from '../model/rows.ts';
import type { Table } from '../model/tables.ts';

export class BatchRows {
  private readonly buffer: RowBuffer;
  private readonly onRows: (rows: RowBuffer) => void;

  constructor(table: Table, batchRows: number, onRows: (rows: RowBuffer) => void) {
    this.buffer = new RowBuffer(table, batchRows);
    this.onRows = onRows;
  }

  /** Of the rows that are not handed over yet; lent until the next one is begun. */
  get words(): Int32Array {
    return this.buffer.words;
  }

  /** Begins a row; returns its first word. A full batch goes first. */
  next(): number {
    if (this.buffer.isFull) this.flush();
    return this.buffer.next();
  }

  append(words: Int32Array, row: number): void {
    this.buffer.append(words, row);
    if (this.buffer.isFull) this.flush();
  }

  /** Rows that fit before a batch must go. */
  get room(): number {
    return this.buffer.capacity - this.buffer.length;
  }

  /** Word behind the last row. */
  get end(): number {
    return this.buffer.length * this.buffer.layout.stride;
  }

  /** So many rows were written behind the last one by hand. */
  advance(count: number): void {
    this.buffer.length += count;
    if (this.buffer.isFull) this.flush();
  }

  flush(): void {
    if (this.buffer.length === 0) return;
    this.onRows(this.buffer);
    this.buffer.clear();
  }
}
