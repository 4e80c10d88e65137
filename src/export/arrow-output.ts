/** One table as an Arrow file, or as an Arrow IPC stream to whoever reads standard output. */
import type { Writable } from 'node:stream';
import type { RecordBatch } from '../columns/arrow.ts';
import { emptyBatch } from '../columns/batch.ts';
import { IpcEncoder } from '../columns/ipc.ts';
import type { Metadata } from '../columns/schema.ts';
import type { AnyTableName } from '../model/entries-table.ts';
import { errnoOf, fileError, TraceError } from '../model/error.ts';
import type { Table } from '../model/tables.ts';
import { giveBack } from './batch-memory.ts';
import type { OpenContext, Output, Written } from './output-shape.ts';
import { PartialFile } from './partial-file.ts';
import { isStdoutFile, writeStdoutFile } from './stdout-file.ts';

/** Where encoded bytes go. */
interface Bytes {
  readonly path: string;
  write(...chunks: readonly Uint8Array[]): Promise<void>;
  commit(): Promise<void>;
  keep(): Promise<void>;
  discard(): Promise<void>;
}

export async function openArrowFile(
  path: string,
  table: Table,
  { metadata }: OpenContext,
): Promise<Output> {
  const file = await PartialFile.create(path);
  return new ArrowOutput(table, file, new IpcEncoder(table, 'file', metadata));
}

export function openArrowStream(table: Table, { options, metadata }: OpenContext): Output {
  const stdout = options.stdout ?? process.stdout;
  if ('isTTY' in stdout && stdout.isTTY === true) {
    throw new TraceError('usage', 'standard output is a terminal, needed a pipe or a file', {
      hint: 'conntrail watch shows a trace in a terminal',
    });
  }
  return new ArrowOutput(table, streamBytes(stdout), new IpcEncoder(table, 'stream', metadata));
}

class ArrowOutput implements Output {
  readonly tables: readonly Table[];
  bytes = 0;
  private rows = 0;
  private hasBatch = false;
  private readonly out: Bytes;
  private readonly encoder: IpcEncoder;

  constructor(table: Table, out: Bytes, encoder: IpcEncoder) {
    this.tables = [table];
    this.out = out;
    this.encoder = encoder;
  }

  async write(table: AnyTableName, batch: RecordBatch): Promise<void> {
    if (table !== this.tables[0]?.name) return;
    this.hasBatch = true;
    const { numRows } = batch;
    await this.send(this.encoder.write(batch));
    this.rows += numRows;
    giveBack(batch);
  }

  async close(metadata: Metadata): Promise<Written> {
    const [table] = this.tables;
    if (!this.hasBatch) await this.send(this.encoder.write(emptyBatch(table!)));
    await this.send(this.encoder.close(metadata));
    await this.out.commit();
    const { rows, bytes } = this;
    return { files: [{ path: this.out.path, table: table!.name, rows, bytes }], rows, bytes };
  }

  /** What is there stays readable as FILE.partial, up to the last batch; without one, nothing stays. */
  async abort(): Promise<void> {
    if (this.hasBatch) await this.out.keep();
    else await this.out.discard();
  }

  private async send(chunks: readonly Uint8Array[]): Promise<void> {
    try {
      await this.out.write(...chunks);
    } catch (error) {
      await this.out.keep();
      throw error;
    }
    for (const { byteLength } of chunks) this.bytes += byteLength;
  }
}

const NAME = 'standard output';

/** Resolves each write when the system has the bytes: a slow reader slows the trace down. */
function streamBytes(stream: Writable): Bytes {
  // Every failure also comes to the callback of the write; unheard, the event would end the process.
  stream.on('error', () => undefined);
  return {
    path: NAME,
    write: async (...chunks) => {
      const bytes = Buffer.concat(chunks);
      if (stream === process.stdout && isStdoutFile()) return writeStdoutFile(bytes);
      await new Promise<void>((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(streamError(error)) : resolve()));
      });
    },
    commit: async () => undefined,
    keep: async () => undefined,
    discard: async () => undefined,
  };
}

function streamError(error: Error): TraceError {
  const code = errnoOf(error);
  if (code !== 'EPIPE' && code !== 'ERR_STREAM_DESTROYED') return fileError('write', NAME, error);
  return new TraceError('io', `write ${NAME}: EPIPE, the reader is gone`, { cause: error });
}
