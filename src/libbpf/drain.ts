/**
 * Rings to bytes. In: descriptors of ring buffer maps, which stay the caller's.
 * Out: whole records in the caller's buffer, and how far they are complete.
 * native/drain.h has the exact meaning of each result.
 */
import { TraceError } from '../model/error.ts';
import { addressOfView, CallMemory } from './address.ts';
import { failure } from './failure.ts';
import type { MemoryRing } from './memory-ring.ts';
import { asBuffer, type Handle, isNull } from './native.ts';
import { shim } from './shim.ts';

export interface DrainResult {
  /** Written to the buffer, from its start. */
  readonly bytes: number;
  readonly records: number;
  /** CLOCK_MONOTONIC, read before any ring was looked at. */
  readonly clockNs: bigint;
  /** No record still to come is older: up to here the trace is complete. Never goes back. */
  readonly horizonNs: bigint;
  /** Samples of another size than a record's: passed over. */
  readonly skippedSize: number;
  /** Samples that their producer gave up. */
  readonly discarded: number;
  /** Rings that stopped at a place not yet committed. */
  readonly ringsBusy: number;
  /** Rings with more to take: the buffer was full. */
  readonly ringsLeft: number;
  /** Whether wake() was called. */
  readonly isWoken: boolean;
}

/** struct drain_call: words of 64 bits, and one of 32. */
const DRAIN = 0;
const DST = 1;
const TIMEOUT = 6;
const RESULT = 4;
const CALL_BYTES = 96;

export class Drain {
  #handle: Handle | undefined;
  /** The call that is going on, there is never a second one; holds the memory it writes to. */
  #waiting: { readonly buffer: Buffer; readonly done: Promise<unknown> } | undefined;
  readonly #recordBytes: number;
  readonly #call = new CallMemory(CALL_BYTES);

  private constructor(handle: Handle, recordBytes: number) {
    this.#handle = handle;
    this.#recordBytes = recordBytes;
    this.#call.wide[DRAIN] = BigInt(handle);
  }

  /**
   * `wakeBytes` is the fill at which the producers wake the reader: a wait
   * does not begin where a ring holds as much already.
   */
  static open(
    fds: readonly number[],
    recordBytes: number,
    options: { readonly wakeBytes?: number } = {},
  ): Drain {
    const list = Buffer.from(Int32Array.from(fds).buffer);
    const errno = Buffer.from(new ArrayBuffer(4));
    const wakeBytes = options.wakeBytes ?? 1;
    const handle = shim().drain_open(list, fds.length, recordBytes, wakeBytes, errno);
    if (!isNull(handle)) return new Drain(handle, recordBytes);
    throw failure(`drain_open of ${fds.length} rings`, -errno.readInt32LE());
  }

  addMemoryRing(ring: MemoryRing): void {
    this.#report('drain_add_memory_ring', shim().drain_add_memory_ring(this.#free(), ring.handle));
  }

  /** Takes what is there, without waiting. */
  take(buffer: Uint8Array): DrainResult {
    const handle = this.#free();
    const into = this.#room(buffer);
    const result = asBuffer(this.#call.bytes).subarray(RESULT * 8);
    this.#report('drain_take', shim().drain_take(handle, into, into.length, result));
    return this.#read();
  }

  /**
   * Waits on another thread, so that this one goes on, then takes. Until the
   * promise settles the buffer is written to: leave it alone, do not transfer it.
   */
  async waitTake(buffer: Uint8Array, timeoutMs: number): Promise<DrainResult> {
    this.#free();
    const into = this.#room(buffer);
    this.#call.wide.set([addressOfView(into), BigInt(into.length)], DST);
    this.#call.narrow[TIMEOUT] = timeoutMs;
    const done = new Promise<DrainResult>((resolve, reject) => {
      const finish = (error: Error | null, status: number): void => {
        this.#waiting = undefined;
        try {
          if (error !== null) throw error;
          this.#report('drain_wait_take', status);
          resolve(this.#read());
        } catch (cause) {
          reject(cause);
        }
      };
      shim().drain_call.async(this.#call.address, finish);
    });
    this.#waiting = { buffer: into, done: done.catch(() => undefined) };
    return done;
  }

  /** Ends the wait that is going on, or the next one if none is. */
  wake(): void {
    if (this.#handle !== undefined) this.#report('drain_wake', shim().drain_wake(this.#handle));
  }

  /** Ends a wait first. Does nothing the second time. */
  async close(): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.wake();
    this.#handle = undefined;
    await this.#waiting?.done;
    shim().drain_close(handle);
  }

  #free(): Handle {
    if (this.#handle === undefined) throw new TraceError('failed', 'drain is closed');
    if (this.#waiting === undefined) return this.#handle;
    throw new TraceError('failed', 'drain is in a wait, needs to be free: await waitTake() first');
  }

  #room(buffer: Uint8Array): Buffer {
    if (buffer.length >= this.#recordBytes) return asBuffer(buffer);
    const found = `buffer has ${buffer.length} bytes, a record needs ${this.#recordBytes}`;
    throw new TraceError('failed', found);
  }

  #report(operation: string, status: number): void {
    if (status < 0) throw failure(operation, -status);
  }

  #read(): DrainResult {
    const wide = (word: number) => this.#call.wide[RESULT + word]!;
    const narrow = (word: number) => this.#call.narrow[RESULT * 2 + 12 + word]!;
    return {
      bytes: Number(wide(0)),
      records: Number(wide(1)),
      clockNs: wide(2),
      horizonNs: wide(3),
      skippedSize: Number(wide(4)),
      discarded: Number(wide(5)),
      ringsBusy: narrow(0),
      ringsLeft: narrow(1),
      isWoken: narrow(2) !== 0,
    };
  }
}
