/**
 * The capture file: exactly the drained bytes, and what is needed to make sense
 * of them on another machine. All numbers little endian.
 *
 *   head    0  8  magic "\x89CTRACE\n"
 *           8  4  version of this format, 1
 *          12  4  length of the facts
 *          16     TraceFacts, JSON, UTF-8
 *   chunk   0  4  type: 1 records, 2 end
 *           4  4  length of the content
 *           8  8  horizon: no record of a later chunk is older, CLOCK_MONOTONIC ns
 *          16     the drained bytes; in the end chunk TraceEnd, JSON, UTF-8
 *   footer  0  8  position of the end chunk
 *           8  8  magic "\x89CTEND\r\n"
 *
 * Chunks follow the head without gaps; the end chunk is the last, then comes
 * the footer. A file without footer is that of a killed process: readable up
 * to its last whole chunk.
 */
import { TraceError } from '../model/error.ts';
import type { TraceFacts } from '../model/facts.ts';

export const HEAD_MAGIC = '\x89CTRACE\n';
const END_MAGIC = '\x89CTEND\r\n';
const FORMAT_VERSION = 1;
export const HEAD_BYTES = 16;
export const CHUNK_HEAD_BYTES = 16;
export const FOOTER_BYTES = 16;

/** Bounds on what a reader takes into memory, whatever a file says. */
const MAX_FACTS = 1 << 24;
export const MAX_CHUNK = 1 << 26;

export const ChunkType = { records: 1, end: 2 } as const;

export interface ChunkHead {
  readonly type: number;
  readonly length: number;
  readonly horizonNs: bigint;
}

export function headBytes(facts: TraceFacts): Buffer {
  const json = Buffer.from(JSON.stringify(facts));
  if (json.length > MAX_FACTS) throw tooLong('facts', json.length, MAX_FACTS);
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(HEAD_MAGIC, 0, 'latin1');
  head.writeUInt32LE(FORMAT_VERSION, 8);
  head.writeUInt32LE(json.length, 12);
  return Buffer.concat([head, json]);
}

/** Length of the facts. */
export function parseHead(bytes: Buffer, size: number): number {
  const magic = bytes.toString('latin1', 0, 8);
  if (magic !== HEAD_MAGIC) throw broken(0, JSON.stringify(magic), JSON.stringify(HEAD_MAGIC));
  if (bytes.length < HEAD_BYTES) throw broken(size, 'the end of the file', 'the head');
  const version = bytes.readUInt32LE(8);
  if (version !== FORMAT_VERSION) {
    const found = `capture format ${version}, needed ${FORMAT_VERSION}`;
    throw new TraceError('unsupported', `byte 8: found ${found}`);
  }
  const length = bytes.readUInt32LE(12);
  if (length > MAX_FACTS) throw broken(12, `facts of ${length} bytes`, `at most ${MAX_FACTS}`);
  if (HEAD_BYTES + length > size) {
    throw broken(12, `facts of ${length} bytes`, `at most the ${size - HEAD_BYTES} that follow`);
  }
  return length;
}

export function chunkHeadBytes({ type, length, horizonNs }: ChunkHead): Buffer {
  if (length > MAX_CHUNK) throw tooLong('a chunk', length, MAX_CHUNK);
  const head = Buffer.alloc(CHUNK_HEAD_BYTES);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(length, 4);
  head.writeBigUInt64LE(BigInt.asUintN(64, horizonNs), 8);
  return head;
}

/** `at` is the chunk's place in the file, `bytes` its head. */
export function parseChunkHead(bytes: Buffer, at: number): ChunkHead {
  const type = bytes.readUInt32LE(0);
  const length = bytes.readUInt32LE(4);
  if (type !== ChunkType.records && type !== ChunkType.end) {
    throw broken(at, `chunk type ${type}`, '1 (records) or 2 (end)');
  }
  if (length > MAX_CHUNK)
    throw broken(at + 4, `a chunk of ${length} bytes`, `at most ${MAX_CHUNK}`);
  return { type, length, horizonNs: bytes.readBigUInt64LE(8) };
}

export function footerBytes(endAt: number): Buffer {
  const footer = Buffer.alloc(FOOTER_BYTES);
  footer.writeBigUInt64LE(BigInt(endAt), 0);
  footer.write(END_MAGIC, 8, 'latin1');
  return footer;
}

/** Position of the end chunk, or undefined where these bytes are no footer. */
export function parseFooter(bytes: Buffer): bigint | undefined {
  if (bytes.length < FOOTER_BYTES || bytes.toString('latin1', 8) !== END_MAGIC) return undefined;
  return bytes.readBigUInt64LE(0);
}

export function broken(at: number, found: string, needed: string): TraceError {
  return new TraceError('corrupt', `byte ${at}: found ${found}, needed ${needed}`);
}

function tooLong(what: string, length: number, most: number): RangeError {
  return new RangeError(`${what} of ${length} bytes, at most ${most}`);
}
