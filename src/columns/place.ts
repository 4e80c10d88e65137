import type { DataType } from 'apache-arrow';
import type { Column, Table } from '../model/tables.ts';
import type { NameBytes } from './names.ts';

/** What a column must know to be built. */
export interface Place {
  readonly table: Table;
  readonly column: Column;
  readonly type: DataType;
  /** Index among the columns: its null bit. */
  readonly index: number;
  /** Word within a row. */
  readonly at: number;
  readonly rows: number;
  readonly clockOffsetNs: bigint;
  readonly names: NameBytes;
}
