/** Flows that were there before the trace: what was decided about them is in their status alone. */
import { Confirm, Mapping, Status } from '../model/codes.ts';
import { Flow as Col } from './flow-columns.ts';

export function markOlder(words: Int32Array, row: number): void {
  if (words[row + Col.older] === 1 || words[row + Col.confirm] !== Confirm.none) return;
  const status = words[row + Col.status]!;
  words[row + Col.older] = 1;
  words[row + Col.confirm] = Confirm.older;
  if (words[row + Col.srcNat] === Mapping.none)
    words[row + Col.srcNat] = olderMapping(status, Status.srcNat, Status.srcNatDone);
  if (words[row + Col.dstNat] === Mapping.none)
    words[row + Col.dstNat] = olderMapping(status, Status.dstNat, Status.dstNatDone);
}

function olderMapping(status: number, natBit: number, doneBit: number): number {
  if (status & natBit) return Mapping.older;
  return status & doneBit ? Mapping.nullMapping : Mapping.none;
}
