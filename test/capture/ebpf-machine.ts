/**
 * As much of eBPF as translated expressions have, with the checks that the
 * verifier would make: alignment on the stack, loads only of what was written.
 */
import { pcapView, pcapViewBytes } from '../../src/wire/layout.ts';

const PACKET = 0x1000_0000n;
const VIEW = 0x2000_0000n;
const FRAME = 0x3000_0000n;
const MASK = (1n << 64n) - 1n;

export interface Ran {
  readonly result: number;
  readonly instructions: number;
  /** Bytes of stack in use. */
  readonly stack: number;
}

export class EbpfMachine {
  private readonly view: DataView;
  private readonly registers: bigint[] = new Array(11).fill(0n);
  private readonly stack = new DataView(new ArrayBuffer(512));
  private readonly written = new Set<number>();
  private readonly program: DataView;
  private readonly packet: Uint8Array;

  constructor(program: Uint8Array, packet: Uint8Array, length: number) {
    this.program = new DataView(program.buffer, program.byteOffset, program.byteLength);
    this.packet = packet;
    this.view = new DataView(new ArrayBuffer(pcapViewBytes));
    this.view.setBigUint64(pcapView.packet, PACKET, true);
    this.view.setUint32(pcapView.valid, packet.length, true);
    this.view.setUint32(pcapView.len, length, true);
    const copied = pcapViewBytes - pcapView.bytes;
    new Uint8Array(this.view.buffer).fill(0xee, pcapView.bytes); // what lies behind the packet
    new Uint8Array(this.view.buffer).set(packet.subarray(0, copied), pcapView.bytes);
    this.registers[1] = VIEW;
    this.registers[10] = FRAME;
  }

  run(): Ran {
    let instructions = 0;
    for (let at = 0; ; at++) {
      if (instructions++ > 10_000) throw new Error('it does not end');
      const code = this.program.getUint8(at * 8);
      const to = this.program.getUint8(at * 8 + 1) & 15;
      const from = this.program.getUint8(at * 8 + 1) >>> 4;
      const offset = this.program.getInt16(at * 8 + 2, true);
      const immediate = this.program.getInt32(at * 8 + 4, true);
      if (code === 0x95)
        return { result: Number(this.registers[0]), instructions, stack: this.depth };
      if (code === 0x85) this.call(immediate);
      else if ((code & 7) === 5 || (code & 7) === 6) {
        if (this.isTaken(code, to, from, immediate)) at += offset;
      } else this.one(code, to, from, offset, immediate);
    }
  }

  private get depth(): number {
    return 512 - Math.min(512, ...this.written);
  }

  private one(code: number, to: number, from: number, offset: number, immediate: number): void {
    const size = { 0: 4, 8: 2, 16: 1, 24: 8 }[code & 0x18]!;
    const kind = code & 7;
    if (kind === 1) this.registers[to] = this.load(this.registers[from]! + BigInt(offset), size);
    else if (kind === 2) this.store(this.registers[to]! + BigInt(offset), size, BigInt(immediate));
    else if (kind === 3) this.store(this.registers[to]! + BigInt(offset), size, this.value(from));
    else if (code === 0xdc) this.registers[to] = swap(this.value(to), immediate / 8);
    else {
      const isWide = kind === 7;
      const right = code & 8 ? this.value(from) : BigInt(immediate) & MASK;
      this.registers[to] = compute(code & 0xf0, this.value(to), right, isWide ? 64 : 32);
    }
  }

  private value(register: number): bigint {
    return this.registers[register]! & MASK;
  }

  private isTaken(code: number, to: number, from: number, immediate: number): boolean {
    const bits = (code & 7) === 6 ? 32 : 64;
    const left = BigInt.asUintN(bits, this.value(to));
    const right = BigInt.asUintN(bits, code & 8 ? this.value(from) : BigInt(immediate));
    const holds: Record<number, boolean> = {
      0: true,
      16: left === right,
      32: left > right,
      48: left >= right,
      64: (left & right) !== 0n,
      80: left !== right,
      160: left < right,
      176: left <= right,
    };
    const taken = holds[code & 0xf0];
    if (taken === undefined) throw new Error(`jump ${code.toString(16)}`);
    return taken;
  }

  private place(address: bigint, size: number): { view: DataView; at: number } {
    if (address >= VIEW && address + BigInt(size) <= VIEW + BigInt(pcapViewBytes)) {
      const at = Number(address - VIEW);
      if (at % size !== 0) throw new Error(`view is read unaligned at ${at}`);
      return { view: this.view, at };
    }
    const at = Number(address - FRAME) + 512;
    if (at < 0 || at + size > 512 || at % size !== 0) throw new Error(`stack at ${at}`);
    return { view: this.stack, at };
  }

  private load(address: bigint, size: number): bigint {
    const { view, at } = this.place(address, size);
    if (view === this.stack && !this.written.has(at))
      throw new Error(`stack at ${at} is unwritten`);
    return littleEndian(view, at, size);
  }

  private store(address: bigint, size: number, value: bigint): void {
    const { view, at } = this.place(address, size);
    for (let index = 0; index < size; index++)
      view.setUint8(at + index, Number((value >> BigInt(index * 8)) & 255n));
    this.written.add(at);
  }

  /** bpf_probe_read_kernel(): only of the packet, whose bounds were checked before. */
  private call(helper: number): void {
    if (helper !== 113) throw new Error(`helper ${helper}`);
    const [, to, size, from] = this.registers as [bigint, bigint, bigint, bigint];
    const at = Number(from - PACKET);
    if (at < 0 || at + Number(size) > this.packet.length) throw new Error(`packet at ${at}`);
    for (let index = 0; index < Number(size); index++)
      this.store(to + BigInt(index), 1, BigInt(this.packet[at + index]!));
    for (let register = 1; register < 6; register++) this.registers[register] = 0xbadn;
    this.registers[0] = 0n;
  }
}

function littleEndian(view: DataView, at: number, size: number): bigint {
  let value = 0n;
  for (let index = size; index-- > 0; ) value = (value << 8n) | BigInt(view.getUint8(at + index));
  return value;
}

function swap(value: bigint, size: number): bigint {
  let swapped = 0n;
  for (let index = 0; index < size; index++)
    swapped = (swapped << 8n) | ((value >> BigInt(index * 8)) & 255n);
  return swapped;
}

function compute(operation: number, a: bigint, b: bigint, bits: number): bigint {
  const left = BigInt.asUintN(bits, a);
  const right = BigInt.asUintN(bits, b);
  const results: Record<number, () => bigint> = {
    0: () => left + right,
    16: () => left - right,
    32: () => left * right,
    48: () => left / right,
    64: () => left | right,
    80: () => left & right,
    96: () => left << (right & BigInt(bits - 1)),
    112: () => left >> (right & BigInt(bits - 1)),
    128: () => -left,
    144: () => left % right,
    160: () => left ^ right,
    176: () => right,
  };
  return BigInt.asUintN(bits, results[operation]!());
}
