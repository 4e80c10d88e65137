/** Rows of `flows` that change no more, handed over by the batch. */
import { RowBuffer } from '../model/rows.ts';
import { FLOWS } from '../model/tables.ts';

export class FlowRows {
  private readonly rows: RowBuffer;
  private readonly onRows: (rows: RowBuffer) => void;

  constructor(batchRows: number, onRows: (rows: RowBuffer) => void) {
    this.rows = new RowBuffer(FLOWS, batchRows);
    this.onRows = onRows;
  }

  append(words: Int32Array, row: number): void {
    this.rows.append(words, row);
    if (this.rows.isFull) this.flush();
  }

  flush(): void {
    if (this.rows.length === 0) return;
    this.onRows(this.rows);
    this.rows.clear();
  }
}
