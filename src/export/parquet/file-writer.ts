/** One Parquet file: rows are kept until they are enough for a row group; the footer comes last. */
import { writevSync } from 'node:fs';
import { MOST_SPANS } from '../../libbpf/chunk-encoder.ts';
import type { Table } from '../../model/tables.ts';
import { PARQUET_MAGIC, TAIL_BYTES } from '../parquet-footer.ts';
import { fileMetadata } from './file-metadata.ts';
import type { RowGroupEncoder } from './row-group.ts';
import type { ColumnMemory, Span } from './rows.ts';

/** Large enough for dictionaries to pay, small enough for the rows to wait in memory. */
const PACKET_ROWS = 81_920;
/** Of the other tables few rows come, and several files wait at once. */
const OTHER_ROWS = 16_384;

export class FileWriter {
  /** In the file so far. */
  bytes = 0;
  /** Told of columns that are encoded. */
  onFree: (columns: readonly ColumnMemory[]) => void = () => undefined;
  private readonly encoder: RowGroupEncoder;
  private readonly table: Table;
  private readonly fd: number;
  private readonly rowsPerGroup: number;
  private readonly rowGroups: Uint8Array[] = [];
  private rows = 0;
  private waiting: (Span & { readonly isWhole: boolean })[] = [];
  private waitingRows = 0;

  constructor(encoder: RowGroupEncoder, table: Table, fd: number) {
    this.encoder = encoder;
    this.table = table;
    this.fd = fd;
    this.rowsPerGroup = table.name === 'packets' ? PACKET_ROWS : OTHER_ROWS;
  }

  /** Keeps the memory of the columns, at most for a row group's time. */
  add(columns: readonly ColumnMemory[], rows: number): void {
    const { rowsPerGroup } = this;
    for (let from = 0; from < rows; from += rowsPerGroup) {
      const length = Math.min(rowsPerGroup, rows - from);
      this.waiting.push({ columns, from, rows: length, isWhole: length === rows });
      this.waitingRows += length;
      const isFull = this.waitingRows >= rowsPerGroup || this.waiting.length === MOST_SPANS;
      if (isFull) this.putRowGroup();
    }
  }

  close(keyValues: Readonly<Record<string, string>>): void {
    if (this.waitingRows > 0) this.putRowGroup();
    this.putMagicFirst();
    const { table, rows, rowGroups } = this;
    const footer = fileMetadata({ table, rows, rowGroups, keyValues });
    const tail = Buffer.alloc(TAIL_BYTES);
    tail.writeUInt32LE(footer.length);
    tail.write(PARQUET_MAGIC, 4, 'latin1');
    this.write([footer, tail]);
  }

  private putRowGroup(): void {
    const { encoder, table, waiting, rowGroups } = this;
    this.waiting = [];
    this.waitingRows = 0;
    this.putMagicFirst();
    const { pieces, metadata, rows } = encoder.encode(table, waiting, this.bytes, rowGroups.length);
    this.write(pieces);
    rowGroups.push(metadata);
    this.rows += rows;
    for (const { columns, isWhole } of waiting) if (isWhole) this.onFree(columns);
  }

  private putMagicFirst(): void {
    if (this.bytes === 0) this.write([Buffer.from(PARQUET_MAGIC, 'latin1')]);
  }

  private write(pieces: readonly Uint8Array[]): void {
    for (let left = pieces; left.length > 0; ) {
      const written = writevSync(this.fd, left, this.bytes);
      this.bytes += written;
      left = piecesAfter(left, written);
    }
  }
}

/** What is left of pieces of which so many bytes are written. */
function piecesAfter(pieces: readonly Uint8Array[], written: number): Uint8Array[] {
  let done = 0;
  const left: Uint8Array[] = [];
  for (const piece of pieces) {
    const skipped = Math.min(Math.max(written - done, 0), piece.length);
    if (skipped < piece.length) left.push(piece.subarray(skipped));
    done += piece.length;
  }
  return left;
}
