/**
 * The thread that encodes Parquet. In: batches, part by part, whose memory is
 * kept until there are enough rows for a row group. Out: row groups into the
 * part's open file, then the footer.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Compressor, type CompressorHandle } from '../libbpf/compressor.ts';
import { errnoOf } from '../model/error.ts';
import { FileWriter } from './parquet/file-writer.ts';
import { RowGroupEncoder } from './parquet/row-group.ts';
import type { Reply, Request } from './parquet-protocol.ts';

const encoder = new RowGroupEncoder(new Compressor(workerData as CompressorHandle));
/** A part that failed is forgotten: what still comes for it is passed over. */
const parts = new Map<number, FileWriter>();

function reply(message: Reply): void {
  parentPort?.postMessage(message);
}

function answer(request: Request): void {
  const { part } = request;
  if (request.kind === 'open') {
    parts.set(part, new FileWriter(encoder, request.table, request.fd));
    return;
  }
  const writer = parts.get(part);
  if (writer === undefined) return;
  if (request.kind === 'batch') {
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
    const message = error instanceof Error ? error.message : String(error);
    reply({ kind: 'failed', part: request.part, message, errno: errnoOf(error) });
  }
});
