import type { RecordBatch } from '../columns/arrow.ts';
import { arrowSchema, type Metadata } from '../columns/schema.ts';
import type { AnyTableName } from '../model/entries-table.ts';
import type { Table } from '../model/tables.ts';
import type { OpenContext, Output, Written } from './output-shape.ts';
import { ParquetEncoder } from './parquet-encoder.ts';
import { ParquetFile } from './parquet-file.ts';
import { PartialFile } from './partial-file.ts';

/** One table as one Parquet file. */
export async function openParquetFile(
  path: string,
  table: Table,
  context: OpenContext,
): Promise<Output> {
  const encoder = new ParquetEncoder();
  try {
    const file = await PartialFile.create(path);
    return new ParquetOutput(encoder, new ParquetFile(encoder, file, table), table, context);
  } catch (error) {
    await encoder.stop();
    throw error;
  }
}

class ParquetOutput implements Output {
  readonly tables: readonly Table[];
  private readonly encoder: ParquetEncoder;
  private readonly file: ParquetFile;
  private readonly context: OpenContext;

  constructor(encoder: ParquetEncoder, file: ParquetFile, table: Table, context: OpenContext) {
    this.encoder = encoder;
    this.file = file;
    this.tables = [table];
    this.context = context;
  }

  get bytes(): number {
    return this.file.bytes;
  }

  async write(table: AnyTableName, batch: RecordBatch): Promise<void> {
    if (table !== this.tables[0]?.name) return;
    await this.orAbort(this.file.write(batch));
  }

  async close(metadata: Metadata): Promise<Written> {
    const all = fileMetadata(this.tables[0]!, { ...this.context.metadata, ...metadata });
    const written = await this.orAbort(this.file.close(all));
    await this.encoder.stop();
    return { files: [written], rows: written.rows, bytes: written.bytes };
  }

  async abort(): Promise<void> {
    await this.encoder.stop();
    await this.file.discard();
  }

  private async orAbort<T>(step: Promise<T>): Promise<T> {
    try {
      return await step;
    } catch (error) {
      await this.abort();
      throw error;
    }
  }
}

/** With the keys that say which table this is, for readers that know no Arrow. */
export function fileMetadata(table: Table, metadata: Metadata): Metadata {
  return Object.fromEntries(arrowSchema(table, metadata).metadata);
}
