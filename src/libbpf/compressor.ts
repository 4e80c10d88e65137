/**
 * zstd, by way of the shim. Opened and closed in the main thread, used in
 * whichever thread has the handle: a thread that is ended cannot close it, and
 * the FFI package must be loaded in the main thread before any other loads it.
 */
import { failure } from './failure.ts';
import { asBuffer, type Handle, isNull } from './native.ts';
import { shim } from './shim.ts';

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
  private readonly handle: CompressorHandle;

  constructor(handle: CompressorHandle) {
    this.handle = handle;
  }

  /** Room that suffices for so many bytes, however they compress: zstd's own formula. */
  bound(bytes: number): number {
    const small = 128 << 10;
    return bytes + (bytes >>> 8) + (bytes < small ? (small - bytes) >>> 11 : 0);
  }

  /** One whole frame; returns its length. */
  compress(from: Uint8Array, to: Uint8Array): number {
    const source = asBuffer(from);
    const length = shim().compressor_run(
      this.handle,
      asBuffer(to),
      to.length,
      source,
      source.length,
    );
    if (length < 0) throw failure(`compress ${from.length} bytes`, -length);
    return length;
  }
}
