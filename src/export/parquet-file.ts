/** One Parquet file of one table, from its first batch to its name. */
import type { RecordBatch } from '../columns/arrow.ts';
import { schemaMessage } from '../columns/ipc.ts';
import type { Metadata } from '../columns/schema.ts';
import type { Table } from '../model/tables.ts';
import type { ParquetEncoder, ParquetPart } from './parquet-encoder.ts';
import type { PartialFile } from './partial-file.ts';

/** Under this key readers of Arrow look for types that Parquet does not have. */
const ARROW_SCHEMA_KEY = 'ARROW:schema';

export interface WrittenFile {
  readonly path: string;
  readonly table: string;
  readonly rows: number;
  readonly bytes: number;
}

export class ParquetFile {
  rows = 0;
  private readonly file: PartialFile;
  private readonly table: Table;
  private readonly part: ParquetPart;

  constructor(encoder: ParquetEncoder, file: PartialFile, table: Table) {
    this.file = file;
    this.table = table;
    this.part = encoder.open(file, table);
  }

  /** Bytes in the file; a row group under way is not among them. */
  get bytes(): number {
    return this.part.bytes;
  }

  async write(batch: RecordBatch): Promise<void> {
    this.rows += batch.numRows;
    await this.part.write(batch);
  }

  /** A file without rows still has its columns. */
  async close(metadata: Metadata): Promise<WrittenFile> {
    const schema = Buffer.from(schemaMessage(this.table)).toString('base64');
    await this.part.close({ ...metadata, [ARROW_SCHEMA_KEY]: schema });
    await this.file.commit();
    const { path } = this.file;
    return { path, table: this.table.name, rows: this.rows, bytes: this.bytes };
  }

  /** The encoder must have been stopped: it writes to the same descriptor. */
  async discard(): Promise<void> {
    await this.file.discard();
  }
}
