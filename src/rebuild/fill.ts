/**
 * Columns of `packets` from staged records, a loop for each few columns.
 * `first` is the row of the first record; every value of a row is written, so
 * that a batch's memory may be used again.
 */
import { State } from '../model/codes.ts';
import { Ctinfo, RecordFlag, Seen } from '../wire/layout.ts';
import { recordWords, Shift, Word } from '../wire/words.ts';
import { Fact, type PacketBatch, Present } from './packet-batch.ts';
import type { Stage } from './stage.ts';

const HOOK_BITS = 31;

/** Numbers that stand in the record as they are. */
export function fillPlain({ words, count }: Stage, batch: PacketBatch, first: number): void {
  const { netns, bytes, mark, inIfindex, outIfindex } = batch;
  for (let at = 0, row = first; row < first + count; row++, at += recordWords) {
    netns[row] = words[at + Word.netns]!;
    bytes[row] = words[at + Word.len]!;
    mark[row] = words[at + Word.mark]!;
    inIfindex[row] = words[at + Word.inIfindex]!;
    outIfindex[row] = words[at + Word.outIfindex]!;
  }
}

export function fillCodes({ words, count }: Stage, batch: PacketBatch, first: number): void {
  const { cpu, lastHook, family, protocol, verdict, state, direction } = batch;
  for (let at = 0, row = first; row < first + count; row++, at += recordWords) {
    const where = words[at + Word.cpu]!;
    const what = words[at + Word.family]!;
    const ctinfo = (what >>> Shift.ctinfo) & 0xff;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    cpu[row] = where >>> Shift.cpu;
    lastHook[row] = where >>> Shift.hook;
    family[row] = what >>> Shift.family;
    protocol[row] = what >>> Shift.l4proto;
    verdict[row] = what >>> Shift.verdict;
    state[row] = stateOf(ctinfo, (flags & RecordFlag.packetConntrackRan) !== 0);
    direction[row] = ctinfo === 3 || ctinfo === 4 ? 1 : 0;
  }
}

export function stateOf(ctinfo: number, wasTracked: boolean): number {
  if (ctinfo === 0 || ctinfo === 3) return State.established;
  if (ctinfo === 2) return State.new;
  if (ctinfo === 1 || ctinfo === 4) return State.related;
  if (ctinfo === Ctinfo.untracked) return State.untracked;
  return wasTracked ? State.invalid : State.none;
}

/** When it began, by both clocks; and the time of the record, for those who ask how old a row is. */
export function fillTimes(
  { words, count }: Stage,
  batch: PacketBatch,
  first: number,
  offset: Int32Array,
): void {
  const { startedAt, startedKtime, endedAt } = batch;
  const offsetLow = offset[0]! >>> 0;
  const offsetHigh = offset[1]!;
  for (let at = 0, pair = first * 2; pair < (first + count) * 2; pair += 2, at += recordWords) {
    const low = words[at + Word.started]!;
    const high = words[at + Word.started + 1]!;
    const sum = (low >>> 0) + offsetLow;
    startedKtime[pair] = low;
    startedKtime[pair + 1] = high;
    startedAt[pair] = sum | 0;
    startedAt[pair + 1] = (high + offsetHigh + (sum > 0xffffffff ? 1 : 0)) | 0;
    endedAt[pair] = words[at + Word.ktime]!;
    endedAt[pair + 1] = words[at + Word.ktime + 1]!;
  }
}

/** The bits of each row; those of flow and drop are added by others. */
export function fillBits({ words, count, flows }: Stage, batch: PacketBatch, first: number): void {
  const { facts, present, chainRuns } = batch;
  for (let at = 0, row = first; row < first + count; row++, at += recordWords) {
    const seen = words[at + Word.seen]!;
    const chains = chainsIn(seen);
    const ctinfo = (words[at + Word.ctinfo]! >>> Shift.ctinfo) & 0xff;
    facts[row] = hookFacts(seen);
    present[row] =
      (flows[row - first]! >= 0 ? 1 << Present.flow : 0) |
      (ctinfo <= 4 ? 1 << Present.direction : 0) |
      (words[at + Word.inIfindex] !== 0 ? 1 << Present.inIfindex : 0) |
      (words[at + Word.outIfindex] !== 0 ? 1 << Present.outIfindex : 0);
    chainRuns[row] = chains === 0 ? 0 : bitsIn(chains);
  }
}

/** The hooks at which a nat chain ran, a bit each. */
export function chainsIn(seen: number): number {
  return (seen >>> Seen.chains) & HOOK_BITS;
}

/** What was seen at hooks, as bits of `facts`. */
export function hookFacts(seen: number): number {
  const rewritten = (seen >>> Seen.rewritten) & HOOK_BITS;
  return (chainsIn(seen) << Fact.chains) | (rewritten << Fact.rewritten);
}

export function bitsIn(bits: number): number {
  let count = 0;
  for (let left = bits; left !== 0; left &= left - 1) count++;
  return count;
}

/** Flow numbers, and what nobody has said anything about yet. */
export function fillRest({ words, count, flows }: Stage, batch: PacketBatch, first: number): void {
  const { flow, dropReason, dropLocation } = batch;
  for (let at = 0, row = first; row < first + count; row++, at += recordWords) {
    const isKnown = flows[row - first]! >= 0;
    flow[row * 2] = isKnown ? words[at + Word.flow]! : 0;
    flow[row * 2 + 1] = isKnown ? words[at + Word.flow + 1]! : 0;
    dropReason[row] = 0;
    dropLocation[row] = 0;
  }
}
