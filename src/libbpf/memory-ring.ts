import { failure } from './failure.ts';
import { asBuffer, type Handle, isNull } from './native.ts';
import { shim } from './shim.ts';

/** A ring without a kernel, to be read by a Drain: for tests and measurements. */
export class MemoryRing {
  /** For Drain alone. */
  readonly handle: Handle;

  private constructor(handle: Handle) {
    this.handle = handle;
  }

  /** `bytes`: a power of two, and a multiple of the page size. */
  static open(bytes: number): MemoryRing {
    const errno = Buffer.from(new ArrayBuffer(4));
    const handle = shim().memory_ring_open(bytes, errno);
    if (isNull(handle)) throw failure(`memory_ring_open ${bytes}`, -errno.readInt32LE());
    return new MemoryRing(handle);
  }

  /** How many of the records, which stand together, had room. */
  write(records: Uint8Array, recordBytes: number): number {
    const bytes = asBuffer(records);
    return Number(shim().memory_ring_write(this.handle, bytes, bytes.length, recordBytes));
  }

  /** After the drain that reads it was closed. */
  close(): void {
    shim().memory_ring_close(this.handle);
  }
}
