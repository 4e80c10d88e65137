/**
 * Columns filled by the shim: native/columns.h says what each field means.
 * C gets addresses of memory that belongs to JavaScript, which does not move
 * while somebody holds it; every call below holds what it names.
 */
import { asBuffer } from './native.ts';
import { shim } from './shim.ts';

const addresses = new WeakMap<ArrayBufferLike, bigint>();

/** Where memory is; asked once of each, as a call takes its time. */
function addressOf(buffer: ArrayBufferLike): bigint {
  const known = addresses.get(buffer);
  if (known !== undefined) return known;
  const address = BigInt(shim().columns_address(asBuffer(new Uint8Array(buffer as ArrayBuffer))));
  addresses.set(buffer, address);
  return address;
}

function addressOfView({ buffer, byteOffset }: ArrayBufferView): bigint {
  return addressOf(buffer) + BigInt(byteOffset);
}

/** Words of one direction's tuple within a flow's. */
export interface TupleWords {
  readonly src: number;
  readonly dst: number;
  readonly srcPort: number;
  readonly dstPort: number;
}

export interface FillPlan {
  /** Wall clock minus CLOCK_MONOTONIC. */
  readonly clockOffsetNs: bigint;
  /** Word of a flow that says which of its tuples are known. */
  readonly known: number;
  readonly tuples: readonly [original: TupleWords, reply: TupleWords];
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
/** And its 32-bit words. */
const FIRST_ROW = 12;
const COUNT = 13;
const KNOWN = 14;
const TUPLES = 16;
const COLUMNS = 24;

/** 32-bit words of struct staged: one record that waits for its row; `late` is ours. */
export const Staged = { record: 0, flow: 1, noted: 2, late: 3, words: 4 } as const;

/** Bits of its word `noted`: enum noted. */
export const Noted = {
  /** The tuple is written already. */
  cameDone: 1,
  leftDone: 2,
  torn: 4,
  leftUnknown: 8,
  /** The record that had the tuple was lost, or its entry's. */
  cameUnknown: 16,
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
  private readonly staged: Int32Array;
  private readonly job: Buffer;
  private readonly wide: BigUint64Array;
  private readonly narrow: Uint32Array;
  private readonly address: string;

  /** `staged`: words of struct staged, from the first on. */
  constructor(staged: Int32Array, plan: FillPlan) {
    const even = plan.columns.length + (plan.columns.length % 2);
    const memory = new ArrayBuffer(COLUMNS * 4 + even * 4 + 512);
    this.staged = staged;
    this.job = asBuffer(new Uint8Array(memory));
    this.wide = new BigUint64Array(memory);
    this.narrow = new Uint32Array(memory);
    this.wide[STAGED] = addressOfView(staged);
    this.wide[CLOCK_OFFSET] = BigInt.asUintN(64, plan.clockOffsetNs);
    this.narrow[KNOWN] = plan.known;
    const tuples = plan.tuples.flatMap(({ src, dst, srcPort, dstPort }) => [
      src,
      dst,
      srcPort,
      dstPort,
    ]);
    this.narrow.set(tuples, TUPLES);
    this.narrow.set(plan.columns, COLUMNS);
    this.job.set(plan.states[0], (COLUMNS + even) * 4);
    this.job.set(plan.states[1], (COLUMNS + even) * 4 + 256);
    this.address = addressOf(memory).toString();
  }

  fill({ memory, firstRow, firstNumber, count, records, flows }: FillRows): void {
    if (count * Staged.words > this.staged.length) throw new RangeError(`${count} are not staged`);
    this.wide[RECORDS] = addressOfView(records);
    this.wide[FLOWS] = addressOfView(flows);
    this.wide[MEMORY] = addressOf(memory);
    this.wide[FIRST_NUMBER] = BigInt(firstNumber);
    this.narrow[FIRST_ROW] = firstRow;
    this.narrow[COUNT] = count;
    shim().columns_fill(this.address);
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
  private readonly narrow: Uint32Array;
  private readonly wide: BigUint64Array;
  private readonly count: number;
  private readonly address: string;

  constructor(plan: readonly BitPlan[]) {
    const memory = new ArrayBuffer((PACK_HEAD_WORDS + plan.length * PACKED_WORDS) * 4);
    this.narrow = new Uint32Array(memory);
    this.wide = new BigUint64Array(memory, 0, 1);
    this.count = plan.length;
    this.narrow[3] = plan.length;
    plan.forEach(({ words, bit, bits }, index) => {
      this.narrow.set([words, bit, bits, 0], PACK_HEAD_WORDS + index * PACKED_WORDS);
    });
    this.address = addressOf(memory).toString();
  }

  /** Number of rows whose bit is set, in the order of the plan. */
  pack(memory: ArrayBuffer, rows: number): number[] {
    this.wide[0] = addressOf(memory);
    this.narrow[2] = rows;
    shim().columns_pack(this.address);
    return Array.from(
      { length: this.count },
      (_, index) => this.narrow[PACK_HEAD_WORDS + index * PACKED_WORDS + 3]!,
    );
  }
}
