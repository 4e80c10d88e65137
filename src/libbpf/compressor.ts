/**
 * zstd, by way of the shim. Opened and closed in the main thread, used in
 * whichever thread has the handle: a thread that is ended cannot close it, and
 * the FFI package must be loaded in the main thread before any other loads it.
 */

import { addressOfView, CallMemory } from './address.ts';
import { failure } from './failure.ts';
import { type Handle, isNull } from './native.ts';
import { shim } from './shim.ts';

/** 64-bit words of struct compressor_call. */
const COMPRESSOR = 0;
const DST = 1;
const SRC = 3;
const CALL_BYTES = 40;

export type CompressorHandle = Handle;

export function openCompressor(level: number): CompressorHandle {
  const handle = shim().compressor_open(level);
  if (isNull(handle)) throw failure('compressor_open', 12);
  return handle;
}

/** No thread may be inside of it. */
export function closeCompressor(handle: CompressorHandle): void {
  shim().compressor_close(handle);
}

export class Compressor {
  private readonly call = new CallMemory(CALL_BYTES);

  constructor(handle: CompressorHandle) {
    this.call.wide[COMPRESSOR] = BigInt(handle);
  }

  /** Room that suffices for so many bytes, however they compress: zstd's own formula. */
  bound(bytes: number): number {
    const small = 128 << 10;
    return bytes + (bytes >>> 8) + (bytes < small ? (small - bytes) >>> 11 : 0);
  }

  /** One whole frame; returns its length. */
  compress(from: Uint8Array, to: Uint8Array): number {
    const { wide, address } = this.call;
    wide.set([addressOfView(to), BigInt(to.length)], DST);
    wide.set([addressOfView(from), BigInt(from.length)], SRC);
    const length = shim().compressor_call(address);
    if (length < 0) throw failure(`compress ${from.length} bytes`, -length);
    return length;
  }
}
