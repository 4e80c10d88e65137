/** What all outputs have in common. */
import type { Writable } from 'node:stream';
import type { RecordBatch } from '../columns/arrow.ts';
import type { Metadata } from '../columns/schema.ts';
import type { AnyTableName } from '../model/entries-table.ts';
import type { TraceFacts } from '../model/facts.ts';
import type { Table, TableName } from '../model/tables.ts';
import type { WrittenFile } from './parquet-file.ts';

export interface OutputOptions {
  readonly facts: TraceFacts;
  /** More key-values that are known at the start. */
  readonly metadata?: Metadata;
  /** The table of a target that takes only one. */
  readonly table?: TableName;
  /** What "-" means. */
  readonly stdout?: Writable;
  /** A part of a dataset is completed after so many rows, or so much time. */
  readonly partRows?: number;
  readonly partAgeMs?: number;
}

export interface Written {
  readonly files: readonly WrittenFile[];
  readonly rows: number;
  readonly bytes: number;
}

export interface Output {
  /** What it takes. Batches of other tables are passed over: one file holds one table. */
  readonly tables: readonly Table[];
  /** Bytes written so far. */
  readonly bytes: number;
  /** Resolves when there is room for more. The batch is given away: its memory may be gone. */
  write(table: AnyTableName, batch: RecordBatch): Promise<void>;
  /** Completes all files. The key-values (the ledger above all) go into them. */
  close(metadata: Metadata): Promise<Written>;
  /** Gives up: no file gets its name. */
  abort(): Promise<void>;
}

/** What each kind of target is opened with. */
export interface OpenContext {
  readonly options: Omit<OutputOptions, 'facts'>;
  /** Name of the machine; empty: unknown. */
  readonly node: string;
  /** All key-values known at the start. */
  readonly metadata: Metadata;
}
