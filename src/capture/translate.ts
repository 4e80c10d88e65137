/**
 * A classic BPF program to the body of pcap_program() of bpf/pcap.h. In:
 * struct pcap_view in r1. Out: not zero in r0 for a match. A load outside the
 * packet's linear part is no match, as in libpcap.
 *
 * r6 the view, r7 A, r8 X, r9 valid bytes. Stack: eight bytes that far loads
 * go through, eight that count the rounds of a loop, then the scratch cells.
 */
import { pcapView } from '../wire/layout.ts';
import { type Cbpf, Class, notUnderstood, RETURN_A, reachable, SOURCE_X, TXA } from './cbpf.ts';
import { EbpfWriter, Jump, Op } from './ebpf.ts';
import { A, cellAt, cellsOf, FRAME, load, ROUNDS, VALID, VIEW, X } from './loads.ts';

/** Headers that protochain steps over; what has more is no match. */
const MOST_ROUNDS = 8;

const SHIFTS: readonly number[] = [0x60, 0x70];
const DIVISIONS: readonly number[] = [0x30, 0x90];
const LAST_ALU = 0xa0;
/** jeq, jgt, jge: what holds where they do not. jset has none. */
const OPPOSITE: Readonly<Record<number, number>> = { 16: 0x50, 32: 0xb0, 48: 0xa0 };
const JSET = 0x40;

export function translate(program: readonly Cbpf[]): Uint8Array {
  const out = new EbpfWriter();
  const reached = reachable(program);
  out.move(VIEW, 1);
  out.put(Op.loadWord, VALID, VIEW, pcapView.valid);
  out.set(A, 0);
  out.set(X, 0);
  if (program.some(({ code, k }) => code === Jump.always && (k | 0) < 0)) {
    out.set(1, 0);
    out.put(Op.storeDouble, FRAME, 1, ROUNDS);
  }
  for (const cell of cellsOf(program)) out.put(Op.storeWordImm, FRAME, 0, cellAt(cell));
  program.forEach((instruction, at) => {
    if (!reached[at]) return;
    out.begin(at);
    translateOne(out, instruction, at);
  });
  return out.finish();
}

function translateOne(out: EbpfWriter, instruction: Cbpf, at: number): void {
  const { code } = instruction;
  const kind = code & 7;
  if (kind === Class.ld) load(out, A, instruction, at);
  else if (kind === Class.ldx) load(out, X, instruction, at);
  else if (kind === Class.st || kind === Class.stx)
    out.put(Op.storeWord, FRAME, kind === Class.st ? A : X, cellAt(instruction.k));
  else if (kind === Class.alu) compute(out, instruction, at);
  else if (kind === Class.jmp) branch(out, instruction, at);
  else if (kind === Class.ret) end(out, instruction);
  else if ((code & 0xf8) === TXA) out.put(Op.alu | Op.mov | Op.fromX, A, X);
  else out.put(Op.alu | Op.mov | Op.fromX, X, A);
}

function end(out: EbpfWriter, { code, k }: Cbpf): void {
  if ((code & 0x18) === RETURN_A) out.move(0, A);
  else out.set(0, k === 0 ? 0 : 1);
  out.exit();
}

function compute(out: EbpfWriter, instruction: Cbpf, at: number): void {
  const { code, k } = instruction;
  const operation = code & 0xf0;
  const isX = (code & SOURCE_X) !== 0;
  if (operation > LAST_ALU) throw notUnderstood(instruction, at);
  if (DIVISIONS.includes(operation)) {
    if (isX) out.jump(Jump.equal, 'no match', X);
    else if (k === 0) throw notUnderstood(instruction, at);
  }
  if (SHIFTS.includes(operation)) shift(out, operation, isX ? X : k, isX);
  else if (operation === Op.neg) out.put(Op.alu | Op.neg, A);
  else if (isX) out.put(Op.alu | operation | Op.fromX, A, X);
  else out.put(Op.alu | operation, A, 0, 0, k);
}

/** By 32 or more: zero, where eBPF would shift by the rest modulo 32. */
function shift(out: EbpfWriter, operation: number, by: number, isX: boolean): void {
  if (isX) {
    out.put(Jump.below, X, 0, 1, 32);
    out.set(A, 0);
    out.put(Op.alu | operation | Op.fromX, A, X);
  } else if (by > 31) out.set(A, 0);
  else out.put(Op.alu | operation, A, 0, 0, by);
}

function branch(out: EbpfWriter, instruction: Cbpf, at: number): void {
  const { code, jt, jf, k } = instruction;
  const operation = code & 0xf0;
  const isX = (code & SOURCE_X) !== 0;
  const compare = (what: number, to: number) =>
    out.jump(Op.jump32 | what | (isX ? Op.fromX : 0), to, A, isX ? X : 0, isX ? 0 : k);
  if (operation === 0) {
    again(out, at, at + 1 + (k | 0));
    return;
  }
  const opposite = OPPOSITE[operation];
  if (opposite === undefined && operation !== JSET) throw notUnderstood(instruction, at);
  if (jt === jf) {
    if (jt > 0) out.jump(Jump.always, at + 1 + jt);
  } else if (jt === 0 && opposite !== undefined) compare(opposite, at + 1 + jf);
  else {
    compare(operation, at + 1 + jt);
    if (jf > 0) out.jump(Jump.always, at + 1 + jf);
  }
}

/** Only protochain goes back. The verifier must see that it ends. */
function again(out: EbpfWriter, at: number, to: number): void {
  if (to <= at) {
    out.put(Op.loadDouble, 1, FRAME, ROUNDS);
    out.jump(Jump.aboveImm, 'no match', 1, 0, MOST_ROUNDS - 1);
    out.put(Op.alu64 | Op.add, 1, 0, 0, 1);
    out.put(Op.storeDouble, FRAME, 1, ROUNDS);
  }
  if (to !== at + 1) out.jump(Jump.always, to);
}
