/**
 * A capture file (capture-format.ts), read again. Everything before the records
 * is known once it is open: the facts, the end, and whether it was cut short.
 * Memory is bounded by one chunk; no length in the file is believed.
 */
import type { TraceEnd, TraceFacts } from '../model/facts.ts';
import {
  broken,
  CHUNK_HEAD_BYTES,
  type ChunkHead,
  ChunkType,
  FOOTER_BYTES,
  HEAD_BYTES,
  HEAD_MAGIC,
  MAX_CHUNK,
  parseChunkHead,
  parseFooter,
  parseHead,
} from './capture-format.ts';
import { parseEnd, parseFacts } from './capture-json.ts';
import { RandomAccess } from './random-access.ts';
import { corruptError } from './read-error.ts';

/** Whatever it is called: what a file is, its first bytes say. */
export async function startsAsCapture(path: string): Promise<boolean> {
  const file = await RandomAccess.open(path);
  try {
    return (await file.read(0, HEAD_MAGIC.length)).toString('latin1') === HEAD_MAGIC;
  } finally {
    await file.close();
  }
}

export interface CaptureChunk {
  /** As drained; the reader does not touch them again. */
  readonly bytes: Uint8Array;
  /** No record of a later chunk is older. */
  readonly horizonNs: bigint;
}

/** Where the records lie, and what comes after them. */
interface Extent {
  /** First byte after the last whole chunk of records. */
  readonly recordsEnd: number;
  readonly end: TraceEnd | undefined;
  readonly truncated: string | undefined;
}

export class CaptureReader {
  readonly facts: TraceFacts;
  /** Undefined where the trace was cut short. */
  readonly end: TraceEnd | undefined;
  /** One line that says where and how it was cut short; undefined: it is whole. */
  readonly truncated: string | undefined;
  private readonly file: RandomAccess;
  private readonly recordsStart: number;
  private readonly recordsEnd: number;

  private constructor(file: RandomAccess, facts: TraceFacts, start: number, extent: Extent) {
    this.file = file;
    this.facts = facts;
    this.end = extent.end;
    this.truncated = extent.truncated;
    this.recordsStart = start;
    this.recordsEnd = extent.recordsEnd;
  }

  static async open(path: string): Promise<CaptureReader> {
    const file = await RandomAccess.open(path);
    try {
      const length = parseHead(await file.read(0, HEAD_BYTES), file.size);
      const facts = parseFacts(await file.read(HEAD_BYTES, length), HEAD_BYTES);
      const start = HEAD_BYTES + length;
      return new CaptureReader(file, facts, start, await extentOf(file, start));
    } catch (error) {
      await file.close();
      throw corruptError(path, error);
    }
  }

  /** From the first chunk on, each time it is called. */
  async *chunks(): AsyncIterable<CaptureChunk> {
    let at = this.recordsStart;
    try {
      while (at < this.recordsEnd) {
        const { length, horizonNs } = await wholeChunk(this.file, at, this.recordsEnd);
        const bytes = await this.file.read(at + CHUNK_HEAD_BYTES, length);
        if (bytes.length < length) throw broken(at, 'a file that shrank', `${length} bytes`);
        at += CHUNK_HEAD_BYTES + length;
        yield { bytes, horizonNs };
      }
    } catch (error) {
      throw corruptError(this.file.path, error);
    }
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

async function extentOf(file: RandomAccess, start: number): Promise<Extent> {
  const footerAt = file.size - FOOTER_BYTES;
  const endAt = parseFooter(await file.read(Math.max(0, footerAt), FOOTER_BYTES));
  if (endAt === undefined) return scan(file, start);
  if (endAt < start || endAt > footerAt - CHUNK_HEAD_BYTES) {
    throw broken(footerAt, `the end at ${endAt}`, `${start} to ${footerAt - CHUNK_HEAD_BYTES}`);
  }
  const recordsEnd = Number(endAt);
  return { recordsEnd, end: await endUpTo(file, recordsEnd, footerAt), truncated: undefined };
}

/** The end of the trace, in as many chunks as it fills. */
async function endUpTo(file: RandomAccess, start: number, footerAt: number): Promise<TraceEnd> {
  const parts: Uint8Array[] = [];
  for (let at = start; at < footerAt; ) {
    const head = await chunkHeadAt(file, at);
    const room = footerAt - at - CHUNK_HEAD_BYTES;
    const isWhole = head.length === room || (head.length === MAX_CHUNK && head.length < room);
    if (head.type !== ChunkType.end || !isWhole) {
      const found = `a chunk of type ${head.type} with ${head.length} bytes`;
      throw broken(at, found, `type ${ChunkType.end} with ${Math.min(room, MAX_CHUNK)}`);
    }
    parts.push(await file.read(at + CHUNK_HEAD_BYTES, head.length));
    at += CHUNK_HEAD_BYTES + head.length;
  }
  return parseEnd(Buffer.concat(parts), start + CHUNK_HEAD_BYTES);
}

/** Without a footer: chunk by chunk, as far as they are whole. */
async function scan(file: RandomAccess, start: number): Promise<Extent> {
  let at = start;
  while (at + CHUNK_HEAD_BYTES <= file.size) {
    const head = await chunkHeadAt(file, at);
    const next = at + CHUNK_HEAD_BYTES + head.length;
    if (next > file.size) break;
    if (head.type === ChunkType.end) {
      const rest = file.size - next;
      if (rest >= FOOTER_BYTES) throw broken(next, `${rest} bytes`, 'the footer of a capture');
      const end = await endIn(file, at, head);
      return { recordsEnd: at, end, truncated: cutShort(file, next) };
    }
    at = next;
  }
  return { recordsEnd: at, end: undefined, truncated: cutShort(file, at) };
}

function cutShort({ path, size }: RandomAccess, at: number): string {
  const rest = size - at;
  return `${path} was cut short: its last whole chunk ends at byte ${at}, ${rest} bytes follow`;
}

async function endIn(file: RandomAccess, at: number, head: ChunkHead): Promise<TraceEnd> {
  return parseEnd(await file.read(at + CHUNK_HEAD_BYTES, head.length), at + CHUNK_HEAD_BYTES);
}

async function chunkHeadAt(file: RandomAccess, at: number): Promise<ChunkHead> {
  return parseChunkHead(await file.read(at, CHUNK_HEAD_BYTES), at);
}

/** A chunk of records that ends where records may. */
async function wholeChunk(file: RandomAccess, at: number, recordsEnd: number): Promise<ChunkHead> {
  if (at + CHUNK_HEAD_BYTES > recordsEnd) {
    throw broken(at, `${recordsEnd - at} bytes`, 'a chunk');
  }
  const head = await chunkHeadAt(file, at);
  const room = recordsEnd - at - CHUNK_HEAD_BYTES;
  if (head.type !== ChunkType.records || head.length > room) {
    const found = `a chunk of type ${head.type} with ${head.length} bytes`;
    throw broken(at, found, `type ${ChunkType.records} with at most ${room}`);
  }
  return head;
}
