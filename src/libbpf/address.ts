/**
 * Addresses of memory that belongs to JavaScript, for the shim: it does not
 * move while somebody holds it. Calls name their memory in a struct of their
 * own, as each argument of a call takes microseconds.
 */
import { asBuffer } from './native.ts';
import { shim } from './shim.ts';

const addresses = new WeakMap<ArrayBufferLike, bigint>();

/** Where memory is; asked once of each, as the question is a call. */
export function addressOf(buffer: ArrayBufferLike): bigint {
  const known = addresses.get(buffer);
  if (known !== undefined) return known;
  const address = BigInt(shim().memory_address(asBuffer(new Uint8Array(buffer as ArrayBuffer))));
  addresses.set(buffer, address);
  return address;
}

export function addressOfView({ buffer, byteOffset }: ArrayBufferView): bigint {
  return addressOf(buffer) + BigInt(byteOffset);
}

/** A struct of C in memory of ours: its words of 64 and of 32 bits, and the argument that names it. */
export class CallMemory {
  readonly wide: BigUint64Array;
  readonly narrow: Uint32Array;
  readonly bytes: Uint8Array;
  readonly address: number;

  /** `bytes`: a multiple of 8. */
  constructor(bytes: number) {
    const memory = new ArrayBuffer(bytes);
    this.wide = new BigUint64Array(memory);
    this.narrow = new Uint32Array(memory);
    this.bytes = new Uint8Array(memory);
    this.address = Number(addressOf(memory)); // of user space: below 2^53
  }
}
