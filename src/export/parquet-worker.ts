/**
 * The thread that encodes Parquet. In: batches, part by part, whose memory is
 * kept until there are enough rows for a row group. Out: row groups into the
 * part's open file, then the footer. When batches come faster than this thread
 * encodes them, the shim gets another one to help it, until the output is closed.
 */
import { availableParallelism } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { ChunkEncoder } from '../libbpf/chunk-encoder.ts';
import type { Handle } from '../libbpf/native.ts';
import { errnoOf, messageOf } from '../model/error.ts';
import { buffersOf } from './batch-memory.ts';
import { FileWriter } from './parquet/file-writer.ts';
import { RowGroupEncoder } from './parquet/row-group.ts';
import type { ColumnMemory } from './parquet/rows.ts';
import type { Reply, Request } from './parquet-protocol.ts';

/** One suffices to keep up with the thread that rebuilds, and none has a CPU where there is only one. */
const HELPERS = Math.min(1, availableParallelism() - 1);

const chunks = new ChunkEncoder(workerData as Handle);
const encoder = new RowGroupEncoder(chunks);
/** A part that failed is forgotten: what still comes for it is passed over. */
const parts = new Map<number, FileWriter>();

function reply(message: Reply): void {
  parentPort?.postMessage(message);
}

/** Whoever made the batches can use their memory again. */
function giveBack(part: number, columns: readonly ColumnMemory[]): void {
  const buffers = buffersOf(columns);
  parentPort?.postMessage({ kind: 'freed', part, buffers } satisfies Reply, buffers);
}

function answer(request: Request): void {
  const { part } = request;
  if (request.kind === 'open') {
    const writer = new FileWriter(encoder, request.table, request.fd);
    writer.onFree = (columns) => giveBack(part, columns);
    parts.set(part, writer);
    return;
  }
  const writer = parts.get(part);
  if (writer === undefined) return;
  if (request.kind === 'batch') {
    if (request.isBehind) chunks.helpers = HELPERS;
    writer.add(request.columns, request.rows);
    reply({ kind: 'taken', part, bytes: writer.bytes });
  } else {
    parts.delete(part);
    writer.close(request.keyValues);
    reply({ kind: 'closed', part, bytes: writer.bytes });
  }
}

parentPort?.on('message', (request: Request) => {
  try {
    answer(request);
  } catch (error) {
    parts.delete(request.part);
    const message = messageOf(error);
    reply({ kind: 'failed', part: request.part, message, errno: errnoOf(error) });
  }
});
