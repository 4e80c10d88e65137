/**
 * Columns filled by the shim: native/columns.h says what each field means.
 */
import { addressOf, addressOfView, CallMemory } from './address.ts';
import { shim } from './shim.ts';

export interface FillPlan {
  /** Nothing is decided about any row: what the shim decides is held to what rebuild/ does. */
  readonly leavesOpen?: boolean;
  /** Wall clock minus CLOCK_MONOTONIC. */
  readonly clockOffsetNs: bigint;
  /** Byte offset of each column in a batch's memory, as enum packet_column has them. */
  readonly columns: readonly number[];
  /** Codes of `state` by ctinfo: where conntrack did not run, and where it did. */
  readonly states: readonly [Uint8Array, Uint8Array];
}

/** 64-bit words of struct fill. */
const RECORDS = 0;
const STAGED = 1;
const FLOWS = 2;
const MEMORY = 3;
const CLOCK_OFFSET = 4;
const FIRST_NUMBER = 5;
const CHANGES = 6;
/** And its 32-bit words. */
const FIRST_ROW = 14;
const COUNT = 15;
const LEAVE_OPEN = 16;
const CHANGED = 17;
const COLUMNS = 18;

/** 32-bit words of struct staged: one record that waits for its row; `late` is ours. */
export const Staged = { record: 0, flow: 1, noted: 2, late: 3, words: 4 } as const;

/** 32-bit words of struct change: a staged record, and the states between which it shows a change. */
export const Change = { index: 0, before: 1, after: 2, words: 3 } as const;

/** Bits of its word `noted`: enum noted. */
export const Noted = {
  /** The tuple is written already. */
  cameDone: 1,
  leftDone: 2,
  torn: 4,
  leftUnknown: 8,
  /** The record that had the tuple was lost, or its entry's. */
  cameUnknown: 16,
  /** Not decided yet, not complete, and not counted. */
  open: 32,
} as const;

export interface FillRows {
  /** Memory of the batch. */
  readonly memory: ArrayBuffer;
  readonly firstRow: number;
  /** Number of the packet in the first row. */
  readonly firstNumber: number;
  readonly count: number;
  /** Words of the records that the staged ones point into. */
  readonly records: Int32Array;
  /** Words that the staged flows point into. */
  readonly flows: Int32Array;
}

/** A plan for batches of one layout, ready to be called. */
export class PacketFill {
  /** Words of struct change: what the last fill() has found. */
  readonly changes: Int32Array;
  private readonly staged: Int32Array;
  private readonly call: CallMemory;

  /** `staged`: words of struct staged, from the first on. */
  constructor(staged: Int32Array, plan: FillPlan) {
    const even = plan.columns.length + (plan.columns.length % 2);
    this.staged = staged;
    this.changes = new Int32Array((staged.length / Staged.words) * Change.words);
    this.call = new CallMemory(COLUMNS * 4 + even * 4 + 512);
    const { wide, narrow, bytes } = this.call;
    wide[STAGED] = addressOfView(staged);
    wide[CHANGES] = addressOfView(this.changes);
    narrow[LEAVE_OPEN] = plan.leavesOpen ? 1 : 0;
    wide[CLOCK_OFFSET] = BigInt.asUintN(64, plan.clockOffsetNs);
    narrow.set(plan.columns, COLUMNS);
    bytes.set(plan.states[0], (COLUMNS + even) * 4);
    bytes.set(plan.states[1], (COLUMNS + even) * 4 + 256);
  }

  /** How many changes the last fill() has found. */
  get changed(): number {
    return this.call.narrow[CHANGED]!;
  }

  /** Returns how many rows are left open. */
  fill({ memory, firstRow, firstNumber, count, records, flows }: FillRows): number {
    if (count * Staged.words > this.staged.length) throw new RangeError(`${count} are not staged`);
    const { wide, narrow, address } = this.call;
    wide[RECORDS] = addressOfView(records);
    wide[FLOWS] = addressOfView(flows);
    wide[MEMORY] = addressOf(memory);
    wide[FIRST_NUMBER] = BigInt(firstNumber);
    narrow[FIRST_ROW] = firstRow;
    narrow[COUNT] = count;
    return shim().columns_fill(address);
  }
}

/** A bit of a column of 32-bit words, and where it goes: byte offsets in the batch's memory. */
export interface BitPlan {
  readonly words: number;
  readonly bit: number;
  readonly bits: number;
}

const PACK_HEAD_WORDS = 4;
const PACKED_WORDS = 4;

/** Packs bits of all rows, as Arrow wants them: least significant bit first. */
export class BitPack {
  private readonly call: CallMemory;
  private readonly count: number;

  constructor(plan: readonly BitPlan[]) {
    this.call = new CallMemory((PACK_HEAD_WORDS + plan.length * PACKED_WORDS) * 4);
    this.count = plan.length;
    this.call.narrow[3] = plan.length;
    plan.forEach(({ words, bit, bits }, index) => {
      this.call.narrow.set([words, bit, bits, 0], PACK_HEAD_WORDS + index * PACKED_WORDS);
    });
  }

  /** Number of rows whose bit is set, in the order of the plan. */
  pack(memory: ArrayBuffer, rows: number): number[] {
    const { wide, narrow, address } = this.call;
    wide[0] = addressOf(memory);
    narrow[2] = rows;
    shim().columns_pack(address);
    return Array.from(
      { length: this.count },
      (_, index) => narrow[PACK_HEAD_WORDS + index * PACKED_WORDS + 3]!,
    );
  }
}
