/**
 * The near side of the thread that encodes Parquet (parquet-worker.ts). One
 * thread serves all parts of an output; a part's write() resolves when the
 * encoder has room for the next batch.
 */
import { Worker } from 'node:worker_threads';
import { fileError, type TraceError } from '../model/error.ts';
import type { Column, Table } from '../model/tables.ts';
import type { Reply, Request } from './parquet-protocol.ts';
import type { PartialFile } from './partial-file.ts';
import { workerPath } from './worker-path.ts';

/** Batches on their way to the encoder, beside the one it works on. */
const MAX_UNDER_WAY = 2;

/** Numbers that grow or differ little from row to row; measured to be smaller as deltas. */
function isDelta({ type, unit, name }: Column): boolean {
  return type === 'timestamp' || unit === 'ns' || unit === 'ns since boot' || name === 'packet';
}

export class ParquetEncoder {
  private readonly worker: Worker;
  private readonly parts = new Map<number, ParquetPart>();
  private nextPart = 0;
  private isStopped = false;

  constructor() {
    this.worker = new Worker(workerPath('parquet-worker'), { execArgv: [] });
    this.worker.on('message', (reply: Reply) => this.hear(reply));
    this.worker.on('error', (error) => this.lose(error.message));
    this.worker.on('exit', (code) => this.lose(`the encoder's thread ended with status ${code}`));
  }

  open(file: PartialFile, table: Table): ParquetPart {
    const part = this.nextPart++;
    const opened = new ParquetPart(part, file, (request) => this.send(request));
    this.parts.set(part, opened);
    if (this.isStopped) opened.fail('given up', undefined);
    const delta = table.columns.filter(isDelta).map(({ name }) => name);
    this.send({ kind: 'open', part, fd: file.handle.fd, delta });
    return opened;
  }

  /** Parts that are still open fail: whoever waits for one is let go. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.worker.terminate();
    for (const part of this.parts.values()) part.fail('given up', undefined);
  }

  private hear(reply: Reply): void {
    this.parts.get(reply.part)?.hear(reply);
    if (reply.kind === 'closed') this.parts.delete(reply.part);
  }

  private send(request: Request): void {
    const transfer = request.kind === 'batch' ? [request.ipc.buffer] : [];
    this.worker.postMessage(request, transfer);
  }

  private lose(message: string): void {
    if (this.isStopped) return;
    for (const part of this.parts.values()) part.fail(message, undefined);
  }
}

export class ParquetPart {
  /** Bytes in the file so far. */
  bytes = 0;
  private readonly id: number;
  private readonly file: PartialFile;
  private readonly send: (request: Request) => void;
  private underWay = 0;
  private isClosed = false;
  private failure: TraceError | undefined;
  private wake: () => void = () => undefined;

  constructor(id: number, file: PartialFile, send: (request: Request) => void) {
    this.id = id;
    this.file = file;
    this.send = send;
  }

  /** Takes the memory of `ipc`. One call at a time. */
  async write(ipc: Uint8Array<ArrayBuffer>): Promise<void> {
    this.send({ kind: 'batch', part: this.id, ipc });
    this.underWay++;
    await this.until(() => this.underWay < MAX_UNDER_WAY);
  }

  /** Resolves when the last byte is written. At least one batch must have been. */
  async close(metadata: Readonly<Record<string, string>>): Promise<void> {
    this.send({ kind: 'close', part: this.id, metadata });
    await this.until(() => this.isClosed);
  }

  hear(reply: Reply): void {
    switch (reply.kind) {
      case 'taken':
        this.underWay--;
        break;
      case 'written':
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
