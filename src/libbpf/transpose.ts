/** Rows of words to columns by the shim: native/transpose.h. */
import { addressOf, addressOfView, CallMemory } from './address.ts';
import { shim } from './shim.ts';

/** enum transposed_as. */
export const As = {
  bit: 0,
  one: 1,
  two: 2,
  four: 4,
  eight: 8,
  sixteen: 16,
  time: 64,
  nothing: 255,
} as const;

/** struct transposed: offsets in the memory of the columns, bytes. */
export interface Transposed {
  /** Of the column within a row. */
  readonly word: number;
  /** As. */
  readonly as: number;
  readonly values: number;
  /** Undefined: it cannot be null. */
  readonly validity?: number;
  /** Among the null words of a row. */
  readonly nullBit: number;
}

const COLUMN_WORDS = 6;
const NULLS = 5;
const NO_VALIDITY = 0xffffffff;

/** 64-bit words of struct transpose_call, and its 32-bit words. */
const MEMORY = 1;
const SHIFT = 2;
const COLUMNS = 3;
const STRIDE = 8;
const CALL_BYTES = 48;

export class Transpose {
  private readonly call = new CallMemory(CALL_BYTES);
  private readonly columns: Uint32Array;

  /** `shift`: ns, added to columns of times. */
  constructor(columns: readonly Transposed[], stride: number, shift: bigint) {
    this.columns = new Uint32Array(columns.length * COLUMN_WORDS);
    columns.forEach(({ word, as, values, validity = NO_VALIDITY, nullBit }, index) => {
      this.columns.set([word, as, values, validity, nullBit, 0], index * COLUMN_WORDS);
    });
    const { wide, narrow } = this.call;
    wide[SHIFT] = BigInt.asUintN(64, shift);
    wide[COLUMNS] = addressOfView(this.columns);
    narrow[STRIDE] = stride;
    narrow[STRIDE + 2] = columns.length;
  }

  /** The first `count` rows. */
  fill(rows: Int32Array, count: number, memory: ArrayBuffer): void {
    const { wide, narrow, address } = this.call;
    wide[0] = addressOfView(rows);
    wide[MEMORY] = addressOf(memory);
    narrow[STRIDE + 1] = count;
    shim().transpose(address);
  }

  /** How many rows of a column the last fill() found null. */
  nullsOf(index: number): number {
    return this.columns[index * COLUMN_WORDS + NULLS]!;
  }
}
