/** Threads that help the encoder: what they write, when they come, when they go. */
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { batchOf } from '../../../src/columns/batch.ts';
import { RowGroupEncoder } from '../../../src/export/parquet/row-group.ts';
import { ParquetPart } from '../../../src/export/parquet-encoder.ts';
import type { PartBatch, Reply, Request } from '../../../src/export/parquet-protocol.ts';
import { PartialFile } from '../../../src/export/partial-file.ts';
import { workerPath } from '../../../src/export/worker-path.ts';
import {
  ChunkEncoder,
  closeChunkEncoder,
  openChunkEncoder,
} from '../../../src/libbpf/chunk-encoder.ts';
import { PACKETS } from '../../../src/model/tables.ts';
import { CLOCK_OFFSET, ensureBuilt, NAMES, rowsOf, tempFolder, wordsOf } from '../fixtures.ts';
import { columnsOf, EVERY, randomRows } from './tables.ts';
import { writeFile } from './write-file.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
beforeAll(ensureBuilt);

/** Threads of this process that help an encoder. */
function helpersHere(): number {
  const names = readdirSync('/proc/self/task').map((id) => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'latin1').trim();
    } catch {
      return ''; // it ended meanwhile
    }
  });
  return names.filter((name) => name === 'parquet-encoder').length;
}

describe('threads that help', () => {
  const table = { ...EVERY, name: 'flows' } as const; // of smaller row groups
  const rows = randomRows(table, 20_021, { pattern: 'few', nulls: 'random', seed: 61 });

  // one call for all columns; several, each of as many as have room
  it.each([16_384, 331, 97])('write the same bytes, with batches of %i rows', async (batchRows) => {
    const handle = openChunkEncoder(1);
    const chunks = new ChunkEncoder(handle);
    const files = [0, 1, 3].map((helpers) => {
      chunks.helpers = helpers;
      const path = writeFile(new RowGroupEncoder(chunks), table, rows, batchRows);
      expect(helpersHere()).toBe(helpers);
      return readFileSync(path);
    });
    closeChunkEncoder(handle);
    await vi.waitUntil(() => helpersHere() === 0);
    expect(files[1]!.equals(files[0]!)).toBe(true);
    expect(files[2]!.equals(files[0]!)).toBe(true);
  });
});

/** A part whose encoder takes a batch when it is told to. */
async function openPart() {
  const file = await PartialFile.create(join(tempFolder(), 'x.parquet'));
  const sent: PartBatch[] = [];
  const part = new ParquetPart(3, file, PACKETS, (request) => {
    if (request.kind === 'batch') sent.push(request);
  });
  const words = wordsOf(PACKETS, rowsOf(PACKETS, 9));
  const batch = () => batchOf(PACKETS, words, 9, { clockOffsetNs: CLOCK_OFFSET, names: NAMES });
  const take = () => part.hear({ kind: 'taken', part: 3, bytes: 1 });
  return { sent, write: () => part.write(batch()), take };
}

it('batches that go on coming too fast say so, a burst does not', async () => {
  const { sent, write, take } = await openPart();
  for (let i = 0; i < 7; i++) await write();
  const writeAndTake = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const written = write();
      take();
      await written;
    }
  };
  await writeAndTake(4);
  take();
  await writeAndTake(1);
  await write();
  await writeAndTake(6);
  const behind = sent.flatMap(({ isBehind }, index) => (isBehind ? [index] : []));
  expect(behind).toEqual([17, 18]); // four, then one that found room, then six and more
});

describe('the thread that encodes', () => {
  const rows = randomRows(EVERY, 203, { pattern: 'any', nulls: 'random', seed: 67 });

  async function helpersOf(isBehind: boolean): Promise<number> {
    const handle = openChunkEncoder(1);
    const worker = new Worker(workerPath('parquet-worker'), { execArgv: [], workerData: handle });
    const fd = openSync(join(tempFolder(), 'x.parquet'), 'w');
    const closed = new Promise<void>((resolve, reject) => {
      worker.on('message', (reply: Reply) => {
        if (reply.kind === 'closed') resolve();
        if (reply.kind === 'failed') reject(new Error(reply.message));
      });
    });
    const requests: Request[] = [
      { kind: 'open', part: 5, fd, table: EVERY },
      { kind: 'batch', part: 5, rows: 203, columns: columnsOf(EVERY, rows), isBehind },
      { kind: 'close', part: 5, keyValues: {} },
    ];
    for (const request of requests) worker.postMessage(request);
    await closed;
    const found = helpersHere();
    await worker.terminate();
    closeChunkEncoder(handle);
    closeSync(fd);
    await vi.waitUntil(() => helpersHere() === 0);
    return found;
  }

  it('is helped when batches come too fast, where there is another CPU', async () => {
    expect(await helpersOf(true)).toBe(Math.min(1, availableParallelism() - 1));
  });

  it('has no help in a slow trace', async () => {
    expect(await helpersOf(false)).toBe(0);
  });
});
