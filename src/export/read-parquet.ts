/** Parquet files as record batches, a row group in memory at a time. */
import type { RecordBatch } from '../columns/arrow.ts';
import { batchesOf } from '../columns/ipc-read.ts';
import { footerLength, readKeyValues, TAIL_BYTES } from './parquet-footer.ts';
import type { RandomAccess } from './random-access.ts';
import { corruptError } from './read-error.ts';

const BATCH_ROWS = 65_536;

/** What the decoder takes for a Blob: it reads spans and asks for the size. */
function blobOf(file: RandomAccess): Blob {
  const slice = (from: number, to: number) => ({
    size: to - from,
    arrayBuffer: async () => {
      const bytes = await file.read(from, to - from);
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    },
  });
  return { size: file.size, slice } as unknown as Blob;
}

/** The file must have passed parquetKeyValues(). The batches have the types of the file; conform() makes them those of a table. */
export async function* parquetBatches(file: RandomAccess): AsyncIterable<RecordBatch> {
  const { ParquetFile } = await import('parquet-wasm');
  try {
    const parquet = await ParquetFile.fromFile(blobOf(file));
    try {
      const groups = parquet.metadata().numRowGroups();
      for (let group = 0; group < groups; group++) {
        const table = await parquet.read({ rowGroups: [group], batchSize: BATCH_ROWS });
        yield* batchesOf(table.intoIPCStream());
      }
    } finally {
      parquet.free();
    }
  } catch (error) {
    throw corruptError(file.path, error);
  }
}

export async function parquetKeyValues(file: RandomAccess): Promise<Map<string, string>> {
  try {
    const tail = await file.read(Math.max(0, file.size - TAIL_BYTES), TAIL_BYTES);
    const length = footerLength(tail, file.size);
    return readKeyValues(await file.read(file.size - TAIL_BYTES - length, length));
  } catch (error) {
    throw corruptError(file.path, error);
  }
}
