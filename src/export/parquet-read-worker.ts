/**
 * The thread that decodes Parquet: damaged files make the decoder trap, in
 * callbacks where nothing can catch it; here only this thread dies of it.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { parentPort } from 'node:worker_threads';
import { ParquetFile } from 'parquet-wasm';
import { errnoOf, messageOf } from '../model/error.ts';
import type { ReadReply, ReadRequest } from './parquet-decoder.ts';

const BATCH_ROWS = 65_536;

let handle: FileHandle | undefined;
let parquet: ParquetFile | undefined;

/** What the decoder takes for a Blob: it asks for the size and reads spans. */
function blobOf(file: FileHandle, size: number): Blob {
  const slice = (from: number, to: number) => ({
    size: to - from,
    arrayBuffer: async () => {
      const bytes = new Uint8Array(Math.max(0, Math.min(to, size) - from));
      await file.read(bytes, 0, bytes.byteLength, from);
      return bytes.buffer;
    },
  });
  return { size, slice } as unknown as Blob;
}

async function openFile(path: string): Promise<number> {
  parquet?.free();
  parquet = undefined;
  await handle?.close();
  handle = await open(path, 'r');
  parquet = await ParquetFile.fromFile(blobOf(handle, (await handle.stat()).size));
  return parquet.metadata().numRowGroups();
}

async function readGroup(group: number): Promise<Uint8Array> {
  const table = await parquet?.read({ rowGroups: [group], batchSize: BATCH_ROWS });
  if (table === undefined) throw new Error('no file is open');
  return table.intoIPCStream();
}

async function answer(request: ReadRequest): Promise<void> {
  try {
    if (request.kind === 'open') {
      reply({ kind: 'opened', groups: await openFile(request.path) });
    } else {
      reply({ kind: 'group', ipc: await readGroup(request.group) });
    }
  } catch (error) {
    const message = messageOf(error);
    reply({ kind: 'failed', message, errno: errnoOf(error) });
  }
}

function reply(message: ReadReply): void {
  const transfer =
    message.kind === 'group' && message.ipc.buffer instanceof ArrayBuffer
      ? [message.ipc.buffer]
      : [];
  parentPort?.postMessage(message, transfer);
}

let last: Promise<void> = Promise.resolve();
parentPort?.on('message', (request: ReadRequest) => {
  last = last.then(() => answer(request));
});
