/**
 * Columns of a row group as Parquet's pages, by way of the shim:
 * native/parquet/chunk.h says what each field means. Opened and closed in the
 * main thread, used in whichever thread has the handle: a thread that is ended
 * cannot close it, and the FFI package must be loaded in the main thread before
 * any other loads it.
 */
import { addressOf, addressOfView, CallMemory } from './address.ts';
import { failure } from './failure.ts';
import { type Handle, isNull } from './native.ts';
import { shim } from './shim.ts';

/** enum chunk_type. */
export const ChunkType = {
  bits: 0,
  bytes1: 1,
  bytes2: 2,
  bytes4: 4,
  bytes8: 8,
  bytes16: 16,
  names: 32,
} as const;

/** enum chunk_flag. */
export const ChunkFlag = { nullable: 1, grows: 2, signed: 4, codes: 8 } as const;

export interface ChunkSpan {
  readonly values: Uint8Array;
  readonly offsets?: Uint8Array;
  readonly validity?: Uint8Array;
  readonly from: number;
  readonly rows: number;
}

export interface ChunkPlan {
  readonly type: number;
  readonly flags: number;
  /** What the numbers of a column of codes stand for. */
  readonly words?: readonly string[];
}

export interface Chunk {
  /** Rows that have a value. */
  readonly present: number;
  /** The format's number of it. */
  readonly encoding: number;
  /** Of the dictionary; 0: it has no page. */
  readonly entries: number;
  /** Length before compression, and the page; lent until the next call. */
  readonly dictionary: { readonly plain: number; readonly page: Uint8Array };
  readonly data: { readonly plain: number; readonly page: Uint8Array };
  readonly bounds: { readonly least: Uint8Array; readonly greatest: Uint8Array } | undefined;
}

/** 64-bit words of struct chunk_call. */
const ENCODER = 0;
const SPANS = 1;
const WORDS = 2;
const OUT = 3;
const CAPACITY = 4;
/** And its 32-bit words. */
const SPAN_COUNT = 10;
const RESULTS = 14;
const CALL_BYTES = 96;

/** 64-bit words of struct chunk_span; from and rows are halves of the last. */
const SPAN_WIDE = 4;
/** Batches that one chunk may be made of. */
export const MOST_SPANS = 1024;

const ENOBUFS = 105;
const ENOMEM = 12;

export function openChunkEncoder(level: number): Handle {
  const handle = shim().chunk_encoder_open(level);
  if (isNull(handle)) throw failure('chunk_encoder_open', ENOMEM);
  return handle;
}

/** No thread may be inside of it. */
export function closeChunkEncoder(handle: Handle): void {
  shim().chunk_encoder_close(handle);
}

export class ChunkEncoder {
  private readonly call = new CallMemory(CALL_BYTES);
  private readonly spans = new CallMemory(MOST_SPANS * SPAN_WIDE * 8);
  private readonly words = new WeakMap<readonly string[], Uint8Array>();
  private out: Uint8Array;

  /** `capacity`: bytes of room for a chunk at first; it grows. */
  constructor(handle: Handle, capacity = 1 << 20) {
    this.call.wide[ENCODER] = BigInt(handle);
    this.call.wide[SPANS] = BigInt(this.spans.address);
    this.out = new Uint8Array(capacity);
  }

  encode(spans: readonly ChunkSpan[], plan: ChunkPlan): Chunk {
    if (spans.length > MOST_SPANS) throw new RangeError(`${spans.length} batches in a row group`);
    this.setSpans(spans);
    for (let status = this.run(spans.length, plan); status !== 0; ) {
      if (status !== -ENOBUFS) throw failure('chunk_encode', -status);
      this.out = new Uint8Array(this.out.length * 2);
      status = this.run(spans.length, plan);
    }
    return this.result();
  }

  private setSpans(spans: readonly ChunkSpan[]): void {
    const { wide, narrow } = this.spans;
    spans.forEach(({ values, offsets, validity, from, rows }, index) => {
      const at = index * SPAN_WIDE;
      wide[at] = addressOfView(values);
      wide[at + 1] = offsets === undefined ? 0n : addressOfView(offsets);
      wide[at + 2] = validity === undefined ? 0n : addressOfView(validity);
      narrow[at * 2 + 6] = from;
      narrow[at * 2 + 7] = rows;
    });
  }

  private run(count: number, { type, flags, words = [] }: ChunkPlan): number {
    const { wide, narrow, address } = this.call;
    wide[WORDS] = addressOfView(this.wordsOf(words));
    wide[OUT] = addressOf(this.out.buffer);
    wide[CAPACITY] = BigInt(this.out.length);
    narrow.set([count, type, flags, words.length], SPAN_COUNT);
    return shim().chunk_encode(address);
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

  private result(): Chunk {
    const { out } = this;
    const results = this.call.narrow.subarray(RESULTS);
    const [present, encoding, entries, dictionaryPlain, dictionaryBytes] = results;
    const [dataPlain, dataBytes, leastBytes, greatestBytes, hasBounds] = results.subarray(5);
    const dataAt = dictionaryBytes!;
    const leastAt = dataAt + dataBytes!;
    const greatestAt = leastAt + leastBytes!;
    return {
      present: present!,
      encoding: encoding!,
      entries: entries!,
      dictionary: { plain: dictionaryPlain!, page: out.subarray(0, dataAt) },
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
