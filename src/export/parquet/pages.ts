/** Pages: a header in Thrift, then the compressed body. Version 1 pages, whose levels are compressed too. */
import { i32Field, structBytes, structField } from '../thrift-write.ts';
import { ByteSink } from './byte-sink.ts';

export const PLAIN = 0;
export const RLE = 3;
export const DELTA_BINARY_PACKED = 5;
export const RLE_DICTIONARY = 8;

const DATA_PAGE = 0;
const DICTIONARY_PAGE = 2;

/** Compresses into `to`, which has room for `bound(from.length)`; returns the number of bytes. */
export interface Compressor {
  bound(bytes: number): number;
  compress(from: Uint8Array, to: Uint8Array): number;
}

/** A call of the compressor costs more than such bytes are worth. */
const SMALL = 64;

export class PageWriter {
  /** Pages of the row group under way. */
  readonly out = new ByteSink(1 << 20);
  private readonly packed = new ByteSink(1 << 16);
  private readonly compressor: Compressor;

  constructor(compressor: Compressor) {
    this.compressor = compressor;
  }

  /** All put functions return the length of the page, had it not been compressed. */
  putDictionary(body: Uint8Array, entries: number): number {
    const about = structField(7, [i32Field(1, entries), i32Field(2, PLAIN)]);
    return this.put(DICTIONARY_PAGE, body, about);
  }

  putData(body: Uint8Array, rows: number, encoding: number): number {
    const levels = [i32Field(3, RLE), i32Field(4, RLE)];
    return this.put(
      DATA_PAGE,
      body,
      structField(5, [i32Field(1, rows), i32Field(2, encoding), ...levels]),
    );
  }

  private put(type: number, body: Uint8Array, about: ReturnType<typeof structField>): number {
    const { packed, out } = this;
    this.pack(body);
    const head = structBytes([
      i32Field(1, type),
      i32Field(2, body.length),
      i32Field(3, packed.at),
      about,
    ]);
    out.put(head);
    out.put(packed.written);
    return head.length + body.length;
  }

  private pack(body: Uint8Array): void {
    const { packed, compressor } = this;
    packed.clear();
    if (body.length < SMALL) {
      putStored(packed, body);
      return;
    }
    packed.reserve(compressor.bound(body.length));
    packed.at = compressor.compress(body, packed.bytes);
  }
}

/** A zstd frame (RFC 8878) of one raw block, its length in one byte. */
function putStored(sink: ByteSink, body: Uint8Array): void {
  sink.u32(0xfd2fb528);
  sink.byte(0x20);
  sink.byte(body.length);
  const block = body.length * 8 + 1;
  for (let shift = 0; shift < 24; shift += 8) sink.byte(block >>> shift);
  sink.put(body);
}
