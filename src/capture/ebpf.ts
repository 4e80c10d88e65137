/** Instructions of eBPF, written one after the other: uapi/linux/bpf.h. */
import { TraceError } from '../model/error.ts';

const BYTES = 8;

/** Classes and sizes. An operation on 32 bits clears the upper half of its register. */
export const Op = {
  alu: 0x04,
  jump32: 0x06,
  alu64: 0x07,
  fromX: 0x08,
  add: 0x00,
  mov: 0xb0,
  and: 0x50,
  lsh: 0x60,
  neg: 0x80,
  toBigEndian: 0xdc,
  storeWord: 0x63,
  storeWordImm: 0x62,
  loadWord: 0x61,
  loadDouble: 0x79,
  storeDouble: 0x7b,
} as const;

export const Jump = {
  always: 0x05,
  equal: 0x15,
  above: 0x2d, // of two registers, 64 bits
  aboveImm: 0x25,
  notEqual: 0x55,
  below: 0xa5,
} as const;

const CALL = 0x85;
const EXIT = 0x95;

/** Loads of 1, 2 and 4 bytes. */
const LOAD: Readonly<Record<number, number>> = { 1: 0x71, 2: 0x69, 4: Op.loadWord };

/** Where a jump goes: an instruction of the classic program, or the end that says no match. */
export type Target = number | 'no match';

/** A program being written. Jumps name classic instructions and are resolved by `finish()`. */
export class EbpfWriter {
  private readonly words: [code: number, registers: number, offset: number, immediate: number][] =
    [];
  private readonly jumps: { readonly at: number; readonly to: Target }[] = [];
  private readonly starts = new Map<Target, number>();

  /** The next instruction is where this one begins. */
  begin(target: Target): void {
    this.starts.set(target, this.words.length);
  }

  put(code: number, to: number, from = 0, offset = 0, immediate = 0): void {
    this.words.push([code, to | (from << 4), offset, immediate | 0]);
  }

  move(to: number, from: number): void {
    this.put(Op.alu64 | Op.mov | Op.fromX, to, from);
  }

  /** 32 bits, the upper half zero. */
  set(to: number, value: number): void {
    this.put(Op.alu | Op.mov, to, 0, 0, value);
  }

  /** In host order, from memory in network order. */
  loadBigEndian(to: number, from: number, offset: number, size: number): void {
    this.put(LOAD[size]!, to, from, offset);
    if (size > 1) this.put(Op.toBigEndian, to, 0, 0, size * 8);
  }

  call(helper: number): void {
    this.put(CALL, 0, 0, 0, helper);
  }

  jump(code: number, to: Target, left = 0, right = 0, immediate = 0): void {
    this.jumps.push({ at: this.words.length, to });
    this.put(code, left, right, 0, immediate);
  }

  /** r0 is the result. */
  exit(): void {
    this.put(EXIT, 0);
  }

  finish(): Uint8Array {
    if (this.jumps.some(({ to }) => to === 'no match')) {
      this.begin('no match');
      this.set(0, 0);
      this.exit();
    }
    for (const { at, to } of this.jumps) this.words[at]![2] = this.distance(at, to);
    const bytes = new Uint8Array(this.words.length * BYTES);
    const view = new DataView(bytes.buffer);
    this.words.forEach(([code, registers, offset, immediate], index) => {
      view.setUint8(index * BYTES, code);
      view.setUint8(index * BYTES + 1, registers);
      view.setInt16(index * BYTES + 2, offset, true);
      view.setInt32(index * BYTES + 4, immediate, true);
    });
    return bytes;
  }

  private distance(at: number, to: Target): number {
    const distance = this.starts.get(to)! - at - 1;
    if (distance <= 0x7fff) return distance;
    throw new TraceError('unsupported', `filter: a jump over ${distance} instructions`, {
      hint: 'a shorter expression',
    });
  }
}
