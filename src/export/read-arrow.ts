/** Arrow files and streams as record batches, one in memory at a time. */
import type { RecordBatch, Schema } from '../columns/arrow.ts';
import { footerSchema, openIpcStream } from '../columns/ipc-read.ts';
import { TraceError } from '../model/error.ts';
import type { RandomAccess } from './random-access.ts';
import { corruptError } from './read-error.ts';

export const ARROW_MAGIC = 'ARROW1';
/** Magic and padding: after them the body of a file is a stream. */
const FILE_HEAD = 8;
/** Length of the footer and magic, at the end. */
const FILE_TAIL = 10;
const PIECE = 1 << 20;

async function* pieces(file: RandomAccess, from: number): AsyncIterable<Uint8Array> {
  for (let at = from; at < file.size; at += PIECE) yield await file.read(at, PIECE);
}

async function isArrowFile(file: RandomAccess): Promise<boolean> {
  return (await file.read(0, ARROW_MAGIC.length)).toString('latin1') === ARROW_MAGIC;
}

/**
 * A file whose end is missing is read up to its last whole batch; `truncated`
 * then hears why it ends there.
 */
export async function* arrowBatches(
  file: RandomAccess,
  check: (metadata: ReadonlyMap<string, string>) => void,
  truncated: (why: string) => void,
): AsyncIterable<RecordBatch> {
  const isFile = await isArrowFile(file);
  const footer = isFile ? await readFooter(file) : undefined;
  if (isFile && footer === undefined) {
    truncated(`${file.path} ends without its footer at byte ${file.size}`);
  }
  try {
    const { schema, batches } = await openIpcStream(pieces(file, isFile ? FILE_HEAD : 0));
    check(schema.metadata);
    for await (const batch of batches) yield batch;
  } catch (error) {
    if (isFile && footer === undefined && !(error instanceof TraceError)) return;
    throw corruptError(file.path, error);
  }
}

async function readFooter(file: RandomAccess): Promise<Uint8Array | undefined> {
  const tail = await file.read(Math.max(0, file.size - FILE_TAIL), FILE_TAIL);
  if (tail.length < FILE_TAIL || tail.toString('latin1', 4) !== ARROW_MAGIC) return undefined;
  const length = tail.readInt32LE(0);
  if (length <= 0 || length > file.size - FILE_TAIL - FILE_HEAD) return undefined;
  return file.read(file.size - FILE_TAIL - length, length);
}

/** Of a file: what its footer says, else its first message. Of a stream: all of it is read. */
export async function arrowMetadata(file: RandomAccess): Promise<Map<string, string>> {
  try {
    const isFile = await isArrowFile(file);
    const footer = isFile ? await readFooter(file) : undefined;
    if (footer !== undefined) return schemaMetadata(footerSchema(footer));
    const stream = await openIpcStream(pieces(file, isFile ? FILE_HEAD : 0));
    const found = schemaMetadata(stream.schema);
    if (isFile) return found;
    for await (const batch of stream.batches) {
      for (const [key, value] of batch.metadata) found.set(key, value);
    }
    return found;
  } catch (error) {
    throw corruptError(file.path, error);
  }
}

function schemaMetadata({ metadata }: Schema): Map<string, string> {
  return new Map(metadata);
}
