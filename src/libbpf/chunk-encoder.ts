/**
 * Columns of a row group as Parquet's pages, by way of the shim:
 * native/parquet/chunk.h says what each field means. Opened and closed in the
 * main thread, used in whichever thread has the handle: a thread that is ended
 * cannot close it, and the FFI package must be loaded in the main thread before
 * any other loads it.
 */
import { addressOf, addressOfView, CallMemory } from './address.ts';
import type { Chunk, ChunkColumn, ChunkSpan } from './chunk-column.ts';
import { failure } from './failure.ts';
import { type Handle, isNull } from './native.ts';
import { shim } from './shim.ts';

/** 64-bit words of struct chunks_call. */
const ENCODER = 0;
const CHUNKS = 1;
const OUT = 2;
const CAPACITY = 3;
const OUT_BYTES = 4;
/** And its 32-bit words: chunk_count, then helpers. */
const CHUNK_COUNT = 10;
const CALL_BYTES = 48;

/** 64-bit words of struct chunk_call: spans, words, out_at; then its 32-bit words. */
const CHUNK_WIDE = 10;
const OUT_AT = 2;
const SPAN_COUNT = 6;
const RESULTS = 10;
/** Columns that one call takes. */
const MOST_COLUMNS = 64;

/** 64-bit words of struct chunk_span; from and rows are halves of the last. */
const SPAN_WIDE = 4;
/** Batches that one chunk may be made of, and what one call takes of all its columns. */
export const MOST_SPANS = 1024;

/** Room for the pages of a row group at first; what is not used of it is no memory yet. */
const CAPACITY_BYTES = 4 << 20;

const ENOBUFS = 105;
const ENOMEM = 12;

export function openChunkEncoder(level: number): Handle {
  const handle = shim().chunk_encoder_open(level);
  if (isNull(handle)) throw failure('open an encoder of Parquet', ENOMEM);
  return handle;
}

/** No thread may be inside of it. Those that help it end. */
export function closeChunkEncoder(handle: Handle): void {
  shim().chunk_encoder_close(handle);
}

export class ChunkEncoder {
  /** Threads beside this one that take columns, from the next call on. More may come, none goes. */
  helpers = 0;
  private readonly call = new CallMemory(CALL_BYTES);
  private readonly chunks = new CallMemory(MOST_COLUMNS * CHUNK_WIDE * 8);
  private readonly spans = new CallMemory(MOST_SPANS * SPAN_WIDE * 8);
  private readonly words = new WeakMap<readonly string[], Uint8Array>();
  private out: Uint8Array;
  private used = 0;

  /** `capacity`: bytes of room for a row group at first; it grows. */
  constructor(handle: Handle, capacity = CAPACITY_BYTES) {
    this.call.wide[ENCODER] = BigInt(handle);
    this.call.wide[CHUNKS] = BigInt(this.chunks.address);
    this.out = new Uint8Array(capacity);
  }

  /** All columns of a row group, of as many batches each: in one call, unless these are many. */
  encode(columns: readonly ChunkColumn[]): Chunk[] {
    const batches = columns[0]?.spans.length ?? 0;
    if (batches > MOST_SPANS) throw new RangeError(`${batches} batches in a row group`);
    const atOnce = Math.min(MOST_COLUMNS, Math.floor(MOST_SPANS / Math.max(batches, 1)));
    this.used = 0;
    const chunks: Chunk[] = [];
    for (let from = 0; from < columns.length; from += atOnce) {
      chunks.push(...this.encodeSome(columns.slice(from, from + atOnce)));
    }
    return chunks;
  }

  private encodeSome(columns: readonly ChunkColumn[]): Chunk[] {
    for (const [index, column] of columns.entries()) this.setColumn(column, index);
    for (let status = this.run(columns.length); status !== 0; status = this.run(columns.length)) {
      if (status !== -ENOBUFS) throw failure('encode columns', -status);
      const needed = Number(this.call.wide[OUT_BYTES]);
      this.out = new Uint8Array(Math.max(needed, this.out.length * 2));
      this.used = 0; // pages of earlier columns stay where they are
    }
    const chunks = columns.map((_, index) => this.result(index));
    this.used += Number(this.call.wide[OUT_BYTES]);
    return chunks;
  }

  private setColumn({ spans, plan }: ChunkColumn, index: number): void {
    const { type, flags, words = [] } = plan;
    const first = index * spans.length * SPAN_WIDE;
    this.setSpans(spans, first);
    const at = index * CHUNK_WIDE;
    const { wide, narrow } = this.chunks;
    wide[at] = BigInt(this.spans.address + first * 8);
    wide[at + 1] = addressOfView(this.wordsOf(words));
    narrow.set([spans.length, type, flags, words.length], at * 2 + SPAN_COUNT);
  }

  private setSpans(spans: readonly ChunkSpan[], first: number): void {
    const { wide, narrow } = this.spans;
    spans.forEach(({ values, offsets, validity, from, rows }, index) => {
      const at = first + index * SPAN_WIDE;
      wide[at] = addressOfView(values);
      wide[at + 1] = offsets === undefined ? 0n : addressOfView(offsets);
      wide[at + 2] = validity === undefined ? 0n : addressOfView(validity);
      narrow[at * 2 + 6] = from;
      narrow[at * 2 + 7] = rows;
    });
  }

  private run(count: number): number {
    const { wide, narrow, address } = this.call;
    wide[OUT] = addressOf(this.out.buffer) + BigInt(this.used);
    wide[CAPACITY] = BigInt(this.out.length - this.used);
    narrow.set([count, this.helpers], CHUNK_COUNT);
    return shim().chunks_encode(address);
  }

  private wordsOf(words: readonly string[]): Uint8Array {
    const known = this.words.get(words);
    if (known !== undefined) return known;
    const texts = words.map((word) => Buffer.from(word));
    const offsets = new Uint32Array(words.length + 1);
    for (const [i, text] of texts.entries()) offsets[i + 1] = offsets[i]! + text.length;
    const bytes = new Uint8Array(Buffer.concat([new Uint8Array(offsets.buffer), ...texts]));
    this.words.set(words, bytes);
    return bytes;
  }

  private result(index: number): Chunk {
    const { out } = this;
    const { wide, narrow } = this.chunks;
    const dictionaryAt = this.used + Number(wide[index * CHUNK_WIDE + OUT_AT]);
    const results = narrow.subarray(index * CHUNK_WIDE * 2 + RESULTS);
    const [present, encoding, entries, dictionaryPlain, dictionaryBytes] = results;
    const [dataPlain, dataBytes, leastBytes, greatestBytes, hasBounds] = results.subarray(5);
    const dataAt = dictionaryAt + dictionaryBytes!;
    const leastAt = dataAt + dataBytes!;
    const greatestAt = leastAt + leastBytes!;
    return {
      present: present!,
      encoding: encoding!,
      entries: entries!,
      dictionary: { plain: dictionaryPlain!, page: out.subarray(dictionaryAt, dataAt) },
      data: { plain: dataPlain!, page: out.subarray(dataAt, leastAt) },
      bounds:
        hasBounds === 0
          ? undefined
          : {
              least: out.slice(leastAt, greatestAt),
              greatest: out.slice(greatestAt, greatestAt + greatestBytes!),
            },
    };
  }
}
