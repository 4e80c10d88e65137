/**
 * Record batches to and from Arrow IPC bytes. Encoders return the bytes of
 * each step at once: whoever calls decides where they go and waits there.
 * The chunks are views of the batch's own memory: write them before it changes.
 */
import {
  AsyncByteQueue,
  RecordBatch,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  RecordBatchWriter,
  Schema,
} from 'apache-arrow';
import type { Table } from '../model/tables.ts';
import { emptyBatch } from './batch.ts';
import { arrowSchema, type Metadata } from './schema.ts';

/** Where the writers of apache-arrow put their bytes; taken away after each call. */
class ChunkSink extends AsyncByteQueue {
  private chunks: Uint8Array[] = [];

  override write(value: Uint8Array): void {
    if (value.byteLength > 0) this.chunks.push(value);
  }

  take(): Uint8Array[] {
    const { chunks } = this;
    this.chunks = [];
    return chunks;
  }
}

/**
 * An Arrow file whose body is also a readable stream (apache-arrow leaves the
 * schema out there), so that a file without its footer is not lost; and whose
 * footer may say more than was known at the start.
 */
class FileWriter extends RecordBatchFileWriter {
  closing: Metadata = {};

  protected override _writeSchema(schema: Schema): this {
    super._writeSchema(schema);
    // biome-ignore lint/complexity/useLiteralKeys: protected, and the grandparent's is meant
    RecordBatchWriter.prototype['_writeSchema'].call(this, schema);
    return this;
  }

  protected override _writeFooter(schema: Schema): this {
    const metadata = new Map([...schema.metadata, ...Object.entries(this.closing)]);
    return super._writeFooter(new Schema(schema.fields, metadata));
  }
}

/** Encodes batches of one schema as an Arrow IPC stream or file. */
export class IpcEncoder {
  private readonly sink = new ChunkSink();
  private readonly table: Table;
  private readonly schema: Schema;
  private readonly writer: RecordBatchWriter;

  constructor(table: Table, form: 'stream' | 'file', metadata: Metadata = {}) {
    this.table = table;
    this.schema = arrowSchema(table, metadata);
    this.writer =
      form === 'file' ? new FileWriter() : new RecordBatchStreamWriter({ autoDestroy: false });
    this.writer.reset(this.sink, this.schema);
  }

  /** The first call also yields the schema. The batch must have the columns of the table. */
  write(batch: RecordBatch): Uint8Array[] {
    this.writer.write(new RecordBatch(this.schema, batch.data));
    return this.sink.take();
  }

  /** What is known only now: in a file's footer; in a stream, on a last batch without rows. */
  close(metadata: Metadata): Uint8Array[] {
    if (this.writer instanceof FileWriter) {
      this.writer.closing = metadata;
    } else if (Object.keys(metadata).length > 0) {
      const { data } = emptyBatch(this.table);
      this.writer.write(new RecordBatch(this.schema, data, new Map(Object.entries(metadata))));
    }
    this.writer.close();
    return this.sink.take();
  }
}

/** The schema of a table as an IPC message, as files of other formats carry it. */
export function schemaMessage(table: Table): Uint8Array {
  const writer = new RecordBatchStreamWriter({ autoDestroy: false });
  const sink = new ChunkSink();
  writer.reset(sink, arrowSchema(table));
  return Buffer.concat(sink.take());
}
