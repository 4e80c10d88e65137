/** The near side of the thread that decodes Parquet (parquet-read-worker.ts). */
import { Worker } from 'node:worker_threads';
import type { RecordBatch } from '../columns/arrow.ts';
import { batchesOf } from '../columns/ipc-read.ts';
import { TraceError } from '../model/error.ts';
import { corruptError } from './read-error.ts';
import { workerPath } from './worker-path.ts';

export type ReadRequest =
  | { readonly kind: 'open'; readonly path: string }
  | { readonly kind: 'group'; readonly group: number };

export type ReadReply =
  | { readonly kind: 'opened'; readonly groups: number }
  | { readonly kind: 'group'; readonly ipc: Uint8Array }
  | { readonly kind: 'failed'; readonly message: string; readonly errno: string | undefined };

interface Waiting {
  readonly resolve: (reply: ReadReply) => void;
  readonly reject: (error: Error) => void;
}

/** One file at a time. Started by the first. */
export class ParquetDecoder {
  private worker: Worker | undefined;
  private failure: Error | undefined;
  /** Answers come in the order of the questions. */
  private readonly waiting: Waiting[] = [];

  /** Row group by row group, the next one decoded ahead. The batches have the types of the file. */
  async *batches(path: string): AsyncIterable<RecordBatch> {
    try {
      const opened = await this.ask({ kind: 'open', path });
      const groups = opened.kind === 'opened' ? opened.groups : 0;
      let next = groups > 0 ? this.group(0) : undefined;
      for (let group = 1; next !== undefined; group++) {
        const ipc = await next;
        next = group < groups ? this.group(group) : undefined;
        yield* batchesOf(ipc);
      }
    } catch (error) {
      throw corruptError(path, error);
    }
  }

  async stop(): Promise<void> {
    this.failure = new Error('stopped');
    await this.worker?.terminate();
  }

  private group(group: number): Promise<Uint8Array> {
    const ipc = this.ask({ kind: 'group', group }).then((reply) =>
      reply.kind === 'group' ? reply.ipc : new Uint8Array(0),
    );
    ipc.catch(() => undefined); // whoever stops reading does not wait for it
    return ipc;
  }

  private ask(request: ReadRequest): Promise<ReadReply> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure);
      this.waiting.push({ resolve, reject });
      this.worker ??= this.start();
      this.worker.postMessage(request);
    });
  }

  private start(): Worker {
    const worker = new Worker(workerPath('parquet-read-worker'), { execArgv: [], stderr: true });
    worker.on('message', (reply: ReadReply) => {
      const asked = this.waiting.shift();
      if (reply.kind !== 'failed') asked?.resolve(reply);
      else asked?.reject(Object.assign(new Error(reply.message), errno(reply.errno)));
    });
    const lose = () => {
      this.failure ??= new TraceError(
        'corrupt',
        'found bytes the decoder breaks on, needed Parquet',
      );
      for (const { reject } of this.waiting.splice(0)) reject(this.failure);
    };
    worker.on('error', lose);
    worker.on('exit', lose);
    return worker;
  }
}

function errno(code: string | undefined): object {
  return code === undefined ? {} : { code };
}
