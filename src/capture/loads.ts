/** Loads of a classic program: from the packet, its length, a constant or a scratch cell. */
import { pcapView, pcapViewBytes } from '../wire/layout.ts';
import { type Cbpf, CELLS, Class, Mode, notUnderstood, Size } from './cbpf.ts';
import { type EbpfWriter, Jump, Op } from './ebpf.ts';

/** Registers: the view, A, X, valid bytes, and the frame. */
export const VIEW = 6;
export const A = 7;
export const X = 8;
export const VALID = 9;
export const FRAME = 10;
/** Within the frame: what far loads go through, the rounds of a loop; then the cells. */
const FAR = -8;
export const ROUNDS = -16;
const COPIED = pcapViewBytes - pcapView.bytes;
const PROBE_READ_KERNEL = 113;
const SIZES: Readonly<Record<number, number>> = { [Size.word]: 4, [Size.half]: 2, [Size.byte]: 1 };

export function load(out: EbpfWriter, to: number, instruction: Cbpf, at: number): void {
  const { code, k } = instruction;
  const mode = code & 0xe0;
  const size = SIZES[code & 0x18];
  if (mode === Mode.imm) out.set(to, k);
  else if (mode === Mode.mem) out.put(Op.loadWord, to, FRAME, cellAt(k));
  else if (mode === Mode.len) out.put(Op.loadWord, to, VIEW, pcapView.len);
  else if (size === undefined) throw notUnderstood(instruction, at);
  else if (mode === Mode.ind && to === A) loadIndirect(out, k, size);
  else loadFromStart(out, to, size, instruction, at);
}

function loadFromStart(
  out: EbpfWriter,
  to: number,
  size: number,
  instruction: Cbpf,
  at: number,
): void {
  const { code, k } = instruction;
  const mode = code & 0xe0;
  const isHeaderLength = mode === Mode.msh && to === X;
  if (k >= 2 ** 31 || !(isHeaderLength || (mode === Mode.abs && to === A)))
    throw notUnderstood(instruction, at); // beyond 2^31: of Linux, not of the packet
  loadAbsolute(out, to, k, size);
  if (!isHeaderLength) return;
  out.put(Op.alu | Op.and, X, 0, 0, 15);
  out.put(Op.alu | Op.lsh, X, 0, 0, 2);
}

/** From the copy where it reaches; the verifier wants loads from a stack to be aligned. */
function loadAbsolute(out: EbpfWriter, to: number, k: number, size: number): void {
  if (k + size <= COPIED && k % size === 0) {
    out.jump(Jump.below, 'no match', VALID, 0, k + size);
    out.loadBigEndian(to, VIEW, pcapView.bytes + k, size);
    return;
  }
  out.set(3, k);
  loadFar(out, to, size);
}

/** k counts as unsigned: what would be before the packet is far behind it. */
function loadIndirect(out: EbpfWriter, k: number, size: number): void {
  out.set(3, k);
  out.put(Op.alu64 | Op.add | Op.fromX, 3, X);
  loadFar(out, A, size);
}

/** From the packet itself, at the offset in r3. */
function loadFar(out: EbpfWriter, to: number, size: number): void {
  out.move(2, 3);
  out.put(Op.alu64 | Op.add, 2, 0, 0, size);
  out.jump(Jump.above, 'no match', 2, VALID);
  out.put(Op.loadDouble, 2, VIEW, pcapView.packet);
  out.put(Op.alu64 | Op.add | Op.fromX, 3, 2);
  out.set(2, size);
  out.move(1, FRAME);
  out.put(Op.alu64 | Op.add, 1, 0, 0, FAR);
  out.call(PROBE_READ_KERNEL);
  out.jump(Jump.notEqual, 'no match', 0);
  out.loadBigEndian(to, FRAME, FAR, size);
}

export function cellAt(cell: number): number {
  return ROUNDS - 4 * (cell + 1);
}

/** Cells that the program names: the verifier wants to see them written. */
export function cellsOf(program: readonly Cbpf[]): number[] {
  const cells = program.flatMap((instruction, at) => {
    const { code, k } = instruction;
    const kind = code & 7;
    const isLoad = (kind === Class.ld || kind === Class.ldx) && (code & 0xe0) === Mode.mem;
    if (!isLoad && kind !== Class.st && kind !== Class.stx) return [];
    if (k >= CELLS) throw notUnderstood(instruction, at);
    return [k];
  });
  return [...new Set(cells)].sort((a, b) => a - b);
}
