/**
 * Drained bytes in, blocks of records in the order of time out; native/merge.h.
 * `add` takes one drain's bytes, which are free again when it returns, and
 * `release` hands out everything older than the time up to which they are
 * complete over all rings: the drain's horizon. The rest waits.
 */
import { TraceError } from '../model/error.ts';
import { RecordKind, record, recordBytes } from '../wire/layout.ts';
import { addressOfView, CallMemory } from './address.ts';
import { failure } from './failure.ts';
import { type Handle, isNull } from './native.ts';
import { shim } from './shim.ts';

/** Takes records in order: words of a block that is valid during the call, from the first on. */
export type BlockVisitor = (words: Int32Array, records: number) => void;

/** Where an error ends a trace, nobody closes its merge. */
const abandoned = new FinalizationRegistry<Handle>((handle) => shim().merge_close(handle));

/** Records of a block; small enough for the cache. */
const BLOCK_RECORDS = 4096;

/** 64-bit words of struct merge_call. */
const MERGE = 0;
const SOURCE = 1;
const HORIZON = 3;
const BLOCK = 4;
const CALL_BYTES = 48;

const EINVAL = 22;
const EBADMSG = 74;

export class Merge {
  private readonly cpus: number;
  private readonly block: Int32Array;
  private readonly call = new CallMemory(CALL_BYTES);
  private handle: Handle | undefined;

  /** `cpus`: records that name another CPU are refused. */
  constructor(cpus: number) {
    this.cpus = cpus;
    this.block = new Int32Array((BLOCK_RECORDS * recordBytes) / 4);
    this.handle = shim().merge_open(cpus);
    if (isNull(this.handle)) throw failure('merge_open', 12);
    abandoned.register(this, this.handle, this);
    this.call.wide.set([addressOfView(this.block), BigInt(BLOCK_RECORDS)], BLOCK);
    this.call.wide[MERGE] = BigInt(this.handle);
  }

  /** Whole records as drained; those that name another CPU or kind are refused as corrupt. */
  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.checkOpen();
    this.call.wide.set([addressOfView(bytes), BigInt(bytes.length)], SOURCE);
    const status = shim().merge_add(this.call.address);
    if (status === 0) return;
    if (-status === EINVAL || -status === EBADMSG) throw this.corrupt(bytes);
    throw failure(`merge_add of ${bytes.length} bytes`, -status);
  }

  /** Hands out all records older than the horizon (CLOCK_MONOTONIC), equal times by CPU. */
  release(horizonHigh: number, horizonLow: number, visit: BlockVisitor): void {
    this.checkOpen();
    this.call.narrow.set([horizonLow, horizonHigh], HORIZON * 2);
    for (let records = BLOCK_RECORDS; records === BLOCK_RECORDS; ) {
      records = shim().merge_release(this.call.address);
      if (records > 0) visit(this.block, records);
    }
  }

  /** Everything that is still waiting: the trace has ended. */
  releaseAll(visit: BlockVisitor): void {
    this.release(-1, -1, visit);
  }

  /** Does nothing the second time. */
  close(): void {
    abandoned.unregister(this);
    if (this.handle !== undefined) shim().merge_close(this.handle);
    this.handle = undefined;
  }

  private checkOpen(): void {
    if (this.handle === undefined) throw new TraceError('failed', 'merge is closed');
  }

  private corrupt(bytes: Uint8Array): TraceError {
    if (bytes.length % recordBytes !== 0) {
      const found = `drained ${bytes.length} bytes, not a multiple of ${recordBytes}`;
      return new TraceError('corrupt', found);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const cpuAt = (at: number): number => view.getUint16(at + record.cpu, true);
    const kindAt = (at: number): number => view.getUint8(at + record.kind);
    const isSound = (at: number): boolean => {
      const kind = kindAt(at);
      return cpuAt(at) < this.cpus && kind > 0 && kind < RecordKind.kinds;
    };
    let at = 0;
    while (isSound(at)) at += recordBytes;
    return new TraceError(
      'corrupt',
      `record at byte ${at} says cpu ${cpuAt(at)} and kind ${kindAt(at)}, expected a cpu below ${this.cpus} and a kind from 1 to ${RecordKind.kinds - 1}`,
      { hint: 'the capture is damaged, or of another version of conntrail' },
    );
  }
}
