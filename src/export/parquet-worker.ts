/**
 * The thread that encodes Parquet. In: batches as IPC bytes, part by part.
 * Out: row groups into the part's open file, then the footer with the
 * key-values that come last. A part holds one unfinished row group in the
 * encoder's memory; its next batch is asked for only when the last is taken.
 */
import { readSync, writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import {
  Compression,
  Encoding,
  type RecordBatch,
  Table,
  transformParquetStream,
  type WriterProperties,
  WriterPropertiesBuilder,
  WriterVersion,
} from 'parquet-wasm';
import { errnoOf } from '../model/error.ts';
import { addKeyValues, footerLength, PARQUET_MAGIC, TAIL_BYTES } from './parquet-footer.ts';
import type { OpenPart, Reply, Request } from './parquet-protocol.ts';

/** Large enough for dictionaries to pay, small enough for three parts at once in memory. */
const ROW_GROUP_ROWS = 131_072;

function reply(message: Reply): void {
  parentPort?.postMessage(message);
}

/** Values encoded at a time: fewer, larger pages, and so files about a tenth smaller. */
const WRITE_BATCH_ROWS = 16_384;

/** Version 2 pages: only they let addresses (fixed-size binary) have a dictionary. */
function propertiesFor(delta: readonly string[]): WriterProperties {
  let builder = new WriterPropertiesBuilder()
    .setCompression(Compression.ZSTD)
    .setWriterVersion(WriterVersion.V2)
    .setMaxRowGroupSize(ROW_GROUP_ROWS)
    .setWriteBatchSize(WRITE_BATCH_ROWS)
    .setCreatedBy('conntrail');
  for (const name of delta) {
    builder = builder
      .setColumnDictionaryEnabled(name, false)
      .setColumnEncoding(name, Encoding.DELTA_BINARY_PACKED);
  }
  return builder.build();
}

class Part {
  private readonly id: number;
  private readonly fd: number;
  private size = 0;
  private readonly waiting: Uint8Array[] = [];
  private isComplete = false;
  private wake: () => void = () => undefined;
  private readonly done: Promise<void>;

  constructor({ part, fd, delta }: OpenPart) {
    this.id = part;
    this.fd = fd;
    this.done = this.encode(propertiesFor(delta));
    this.done.catch((error: unknown) => this.fail(error));
  }

  offer(ipc: Uint8Array): void {
    this.waiting.push(ipc);
    this.wake();
  }

  async close(metadata: Readonly<Record<string, string>>): Promise<void> {
    this.isComplete = true;
    this.wake();
    try {
      await this.done;
    } catch {
      return; // said by the constructor's handler
    }
    try {
      this.extendFooter(metadata);
      reply({ kind: 'closed', part: this.id, bytes: this.size });
    } catch (error) {
      this.fail(error);
    }
  }

  private async encode(properties: WriterProperties): Promise<void> {
    const batches = new ReadableStream<RecordBatch>(
      { pull: (controller) => this.pull(controller) },
      { highWaterMark: 0 },
    );
    const encoded = await transformParquetStream(batches, properties);
    for await (const bytes of encoded) {
      this.write(bytes);
      reply({ kind: 'written', part: this.id, bytes: this.size });
    }
  }

  private async pull(controller: ReadableStreamDefaultController<RecordBatch>): Promise<void> {
    while (this.waiting.length === 0 && !this.isComplete) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    const ipc = this.waiting.shift();
    if (ipc === undefined) {
      controller.close();
      return;
    }
    const table = Table.fromIPCStream(ipc);
    for (const batch of table.recordBatches()) controller.enqueue(batch);
    table.free();
    reply({ kind: 'taken', part: this.id });
  }

  private write(bytes: Uint8Array): void {
    let done = 0;
    while (done < bytes.byteLength) {
      const left = bytes.byteLength - done;
      const written = writeSync(this.fd, bytes, done, left, this.size);
      done += written;
      this.size += written;
    }
  }

  private extendFooter(metadata: Readonly<Record<string, string>>): void {
    const tail = this.read(this.size - TAIL_BYTES, TAIL_BYTES);
    const length = footerLength(tail, this.size);
    const start = this.size - TAIL_BYTES - length;
    const footer = addKeyValues(this.read(start, length), metadata);
    const end = Buffer.alloc(TAIL_BYTES);
    end.writeUInt32LE(footer.length);
    end.write(PARQUET_MAGIC, 4, 'latin1');
    this.size = start;
    this.write(Buffer.concat([footer, end]));
  }

  private read(at: number, length: number): Uint8Array {
    const bytes = Buffer.alloc(length);
    readSync(this.fd, bytes, 0, length, at);
    return bytes;
  }

  private fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    reply({ kind: 'failed', part: this.id, message, errno: errnoOf(error) });
  }
}

const parts = new Map<number, Part>();

parentPort?.on('message', (request: Request) => {
  switch (request.kind) {
    case 'open':
      parts.set(request.part, new Part(request));
      break;
    case 'batch':
      parts.get(request.part)?.offer(request.ipc);
      break;
    case 'close':
      void parts.get(request.part)?.close(request.metadata);
      parts.delete(request.part);
      break;
  }
});
