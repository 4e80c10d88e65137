/** What a Parquet file says about itself, without decoding any of it. */
import { footerLength, readKeyValues, TAIL_BYTES } from './parquet-footer.ts';
import type { RandomAccess } from './random-access.ts';
import { corruptError } from './read-error.ts';

export async function parquetKeyValues(file: RandomAccess): Promise<Map<string, string>> {
  try {
    const tail = await file.read(Math.max(0, file.size - TAIL_BYTES), TAIL_BYTES);
    const length = footerLength(tail, file.size);
    return readKeyValues(await file.read(file.size - TAIL_BYTES - length, length));
  } catch (error) {
    throw corruptError(file.path, error);
  }
}
