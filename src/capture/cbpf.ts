/** Classic BPF as libpcap compiles it: uapi/linux/bpf_common.h. */
import { TraceError } from '../model/error.ts';

export interface Cbpf {
  readonly code: number;
  /** Instructions to step over, if the comparison holds or not. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

export const Class = { ld: 0, ldx: 1, st: 2, stx: 3, alu: 4, jmp: 5, ret: 6, misc: 7 } as const;
export const Size = { word: 0x00, half: 0x08, byte: 0x10 } as const;
export const Mode = {
  imm: 0x00,
  abs: 0x20,
  ind: 0x40,
  mem: 0x60,
  len: 0x80,
  msh: 0xa0,
} as const;
export const SOURCE_X = 0x08;
export const RETURN_A = 0x10;
export const TXA = 0x80;
/** Scratch cells. */
export const CELLS = 16;

const BYTES = 8;

/** An array of struct bpf_insn. */
export function decodeCbpf(bytes: Uint8Array): Cbpf[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / BYTES }, (_, index) => ({
    code: view.getUint16(index * BYTES, true),
    jt: view.getUint8(index * BYTES + 2),
    jf: view.getUint8(index * BYTES + 3),
    k: view.getUint32(index * BYTES + 4, true),
  }));
}

/** Where an instruction may go on to; none after a return. */
function successors({ code, jt, jf, k }: Cbpf, at: number): number[] {
  const kind = code & 7;
  if (kind === Class.ret) return [];
  if (kind !== Class.jmp) return [at + 1];
  return (code & 0xf0) === 0 ? [at + 1 + (k | 0)] : [at + 1 + jt, at + 1 + jf];
}

/** Which instructions can be reached from the first: the verifier refuses the others. */
export function reachable(program: readonly Cbpf[]): boolean[] {
  const reached = program.map(() => false);
  const waiting = [0];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const instruction = program[at]!;
    reached[at] = true;
    for (const next of successors(instruction, at)) {
      if (next < 0 || next >= program.length) throw notUnderstood(instruction, at);
      if (!reached[next]) waiting.push(next);
    }
  }
  return reached;
}

export function notUnderstood({ code, k }: Cbpf, at: number): TraceError {
  const found = `instruction ${at} with code 0x${code.toString(16)} and k 0x${k.toString(16)}`;
  return new TraceError(
    'unsupported',
    `filter: found ${found} in what libpcap compiled, needed one that reads the packet alone`,
    { hint: 'leave away what no packet carries, such as inbound, outbound or ifname' },
  );
}
