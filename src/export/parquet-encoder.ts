/**
 * The near side of the thread that encodes Parquet (parquet-worker.ts). One
 * thread serves all parts of an output; a part's write() resolves when the
 * encoder has room for the next batch.
 */
import { Worker } from 'node:worker_threads';
import type { RecordBatch } from '../columns/arrow.ts';
import { closeChunkEncoder, openChunkEncoder } from '../libbpf/chunk-encoder.ts';
import type { Handle } from '../libbpf/native.ts';
import { fileError, type TraceError } from '../model/error.ts';
import { columnMemory } from '../model/memory.ts';
import type { Table } from '../model/tables.ts';
import { buffersOf, memoryOf } from './batch-memory.ts';
import type { Reply, Request } from './parquet-protocol.ts';
import type { PartialFile } from './partial-file.ts';
import { workerPath } from './worker-path.ts';

/** Batches on their way to the encoder: as many as come while it is busy with a row group. */
const MAX_UNDER_WAY = 8;
/** So many in a row that had to wait are no burst: a slow trace is to stay small. */
const LONG_BEHIND = 5;

/** Of zstd: higher ones take longer, and hardly save anything on columns. */
const LEVEL = 1;

export class ParquetEncoder {
  private readonly worker: Worker;
  private readonly chunks: Handle;
  private readonly parts = new Map<number, ParquetPart>();
  private nextPart = 0;
  private stopping: Promise<void> | undefined;

  constructor() {
    const path = workerPath('parquet-worker');
    this.chunks = openChunkEncoder(LEVEL);
    this.worker = new Worker(path, { execArgv: [], workerData: this.chunks });
    this.worker.on('message', (reply: Reply) => this.hear(reply));
    this.worker.on('error', (error) => this.lose(error.message));
    this.worker.on('exit', (code) => this.lose(`the encoder's thread ended with status ${code}`));
  }

  open(file: PartialFile, table: Table): ParquetPart {
    const part = this.nextPart++;
    const opened = new ParquetPart(part, file, table, (request) => this.send(request));
    this.parts.set(part, opened);
    if (this.stopping !== undefined) opened.fail('given up', undefined);
    this.send({ kind: 'open', part, fd: file.handle.fd, table });
    return opened;
  }

  /** Parts that are still open fail: whoever waits for one is let go. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private async end(): Promise<void> {
    await this.worker.terminate();
    closeChunkEncoder(this.chunks);
    for (const part of this.parts.values()) part.fail('given up', undefined);
  }

  private hear(reply: Reply): void {
    if (reply.kind === 'freed') {
      for (const buffer of reply.buffers) columnMemory.give(buffer);
      return;
    }
    this.parts.get(reply.part)?.hear(reply);
    if (reply.kind === 'closed') this.parts.delete(reply.part);
  }

  private send(request: Request): void {
    this.worker.postMessage(request, request.kind === 'batch' ? buffersOf(request.columns) : []);
  }

  private lose(message: string): void {
    if (this.stopping !== undefined) return;
    for (const part of this.parts.values()) part.fail(message, undefined);
  }
}

export class ParquetPart {
  /** Bytes in the file so far. */
  bytes = 0;
  private readonly id: number;
  private readonly file: PartialFile;
  private readonly table: Table;
  private readonly send: (request: Request) => void;
  private underWay = 0;
  private behind = 0;
  private isClosed = false;
  private failure: TraceError | undefined;
  private wake: () => void = () => undefined;

  constructor(id: number, file: PartialFile, table: Table, send: (request: Request) => void) {
    this.id = id;
    this.file = file;
    this.table = table;
    this.send = send;
  }

  /** Takes the batch's memory. One call at a time. */
  async write(batch: RecordBatch): Promise<void> {
    if (batch.numRows === 0) return;
    const columns = memoryOf(batch, this.table);
    this.underWay++;
    this.behind = this.underWay === MAX_UNDER_WAY ? this.behind + 1 : 0;
    const isBehind = this.behind >= LONG_BEHIND;
    this.send({ kind: 'batch', part: this.id, rows: batch.numRows, columns, isBehind });
    await this.until(() => this.underWay < MAX_UNDER_WAY);
  }

  /** Resolves when the last byte is written. */
  async close(keyValues: Readonly<Record<string, string>>): Promise<void> {
    this.send({ kind: 'close', part: this.id, keyValues });
    await this.until(() => this.isClosed);
  }

  hear(reply: Reply): void {
    switch (reply.kind) {
      case 'taken':
        this.underWay--;
        this.bytes = reply.bytes;
        break;
      case 'closed':
        this.bytes = reply.bytes;
        this.isClosed = true;
        break;
      case 'failed':
        this.fail(reply.message, reply.errno);
    }
    this.wake();
  }

  fail(message: string, errno: string | undefined): void {
    const cause = Object.assign(new Error(message), errno === undefined ? {} : { code: errno });
    this.failure ??= fileError('write', this.file.path, cause);
    this.wake();
  }

  private async until(isMet: () => boolean): Promise<void> {
    while (this.failure === undefined && !isMet()) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    if (this.failure !== undefined) throw this.failure;
  }
}
