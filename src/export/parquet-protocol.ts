/** What the thread that encodes Parquet and the one that feeds it say to each other. */
import type { Table } from '../model/tables.ts';
import type { ColumnMemory } from './parquet/rows.ts';

export interface OpenPart {
  readonly kind: 'open';
  readonly part: number;
  /** The open file's descriptor: threads of one process share it. */
  readonly fd: number;
  readonly table: Table;
}

export interface PartBatch {
  readonly kind: 'batch';
  readonly part: number;
  readonly rows: number;
  /** In the table's order; the memory goes over. */
  readonly columns: readonly ColumnMemory[];
  /** Batches go on coming faster than they are encoded. */
  readonly isBehind: boolean;
}

export interface ClosePart {
  readonly kind: 'close';
  readonly part: number;
  readonly keyValues: Readonly<Record<string, string>>;
}

export type Request = OpenPart | PartBatch | ClosePart;

export type Reply =
  /** A batch, and how long the file is now. */
  | { readonly kind: 'taken'; readonly part: number; readonly bytes: number }
  /** Memory of batches that are encoded. */
  | { readonly kind: 'freed'; readonly part: number; readonly buffers: readonly ArrayBuffer[] }
  | { readonly kind: 'closed'; readonly part: number; readonly bytes: number }
  | {
      readonly kind: 'failed';
      readonly part: number;
      readonly message: string;
      readonly errno: string | undefined;
    };
