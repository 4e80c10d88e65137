/** Record batches out of Arrow IPC bytes. What apache-arrow throws, callers put into words. */
import { type RecordBatch, RecordBatchReader, type Schema } from 'apache-arrow';
import { Footer } from 'apache-arrow/ipc/metadata/file';

/** All batches of a stream or file that lies in memory; they are views of those bytes. */
export function batchesOf(bytes: Uint8Array): RecordBatch[] {
  return [...RecordBatchReader.from(bytes)];
}

export interface IpcStream {
  readonly schema: Schema;
  readonly batches: AsyncIterable<RecordBatch>;
}

/** A stream, batch by batch; memory for one at a time. */
export async function openIpcStream(source: AsyncIterable<Uint8Array>): Promise<IpcStream> {
  const reader = await (await RecordBatchReader.from(source)).open();
  return { schema: reader.schema, batches: reader };
}

/** The schema in the footer of an Arrow file; `footer` is the flatbuffer before length and magic. */
export function footerSchema(footer: Uint8Array): Schema {
  return Footer.decode(footer).schema;
}
