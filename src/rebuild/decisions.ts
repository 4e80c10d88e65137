/** What the records of a packet say of its state, of who decided about it, and whether all was seen. */
import { Decision, State } from '../model/codes.ts';
import { Ctinfo, RecordFlag, Seen } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';
import { Fact, type PacketBatch, Present } from './packet-batch.ts';
import { Changed } from './tuples.ts';

export function writeState(batch: PacketBatch, row: number, words: Int32Array, at: number): void {
  const ctinfo = (words[at + Word.ctinfo]! >>> Shift.ctinfo) & 0xff;
  const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
  batch.state[row] = stateOf(ctinfo, (flags & RecordFlag.packetConntrackRan) !== 0);
  if (ctinfo > 4) return; // no entry, so no direction
  batch.direction[row] = ctinfo > 2 ? 1 : 0;
  batch.present[row]! |= 1 << Present.direction;
}

function stateOf(ctinfo: number, wasTracked: boolean): number {
  if (ctinfo === 2) return State.new;
  if (ctinfo === 0 || ctinfo === 3) return State.established;
  if (ctinfo === 1 || ctinfo === 4) return State.related;
  if (ctinfo === Ctinfo.untracked) return State.untracked;
  return wasTracked ? State.invalid : State.none;
}

/** What was decided for this packet's own entry comes first; what is only rewritten had a mapping. */
export function writeDecisions(
  batch: PacketBatch,
  row: number,
  seen: number,
  changed: number,
): void {
  const decided = (seen >>> Seen.decided) & 15;
  const confirm = (seen >>> Seen.confirm) & 3;
  const src = decisionOf(decided & 3, changed & (Changed.src | Changed.unknown));
  const dst = decisionOf(decided >>> 2, changed & (Changed.dst | Changed.unknown));
  if (src !== Decision.none) batch.srcNat[row] = src;
  if (dst !== Decision.none) batch.dstNat[row] = dst;
  if (confirm !== 0) batch.confirm[row] = confirm;
}

/** `decided`: 1 a rule, 2 the null binding. */
function decisionOf(decided: number, changed: number): number {
  if (decided & 1) return Decision.rule;
  if (decided & 2) return Decision.nullMapping;
  if (changed & Changed.unknown) return Decision.unknown;
  return changed === 0 ? Decision.none : Decision.mapping;
}

export function isMapped(batch: PacketBatch, row: number): boolean {
  return batch.srcNat[row] === Decision.mapping || batch.dstNat[row] === Decision.mapping;
}

/** A row that is torn is never complete, whatever follows; kept in a bit of no column. */
const TORN = 1 << 31;

export function tear(batch: PacketBatch, row: number): void {
  batch.facts[row]! |= TORN;
}

export function isTorn(batch: PacketBatch, row: number): boolean {
  return (batch.facts[row]! & TORN) !== 0;
}

/** It is not known how it came: nothing says what was rewritten. As above, a bit of no column. */
const NAMELESS = 1 << 30;

export function noteNameless(batch: PacketBatch, row: number): void {
  batch.facts[row]! |= NAMELESS | TORN;
}

export function isNameless(batch: PacketBatch, row: number): boolean {
  return (batch.facts[row]! & NAMELESS) !== 0;
}

/** It is, when it has come to its end, or conntrack had nothing to do with it. */
export function writeComplete(batch: PacketBatch, row: number, flags: number): void {
  if (flags & RecordFlag.packetIsTorn) tear(batch, row);
  const isOpen =
    (flags & RecordFlag.packetIsPart) !== 0 && (flags & RecordFlag.packetConntrackRan) !== 0;
  const complete = 1 << Fact.complete;
  if (isTorn(batch, row) || isOpen) batch.facts[row]! &= ~complete;
  else batch.facts[row]! |= complete;
}

export function hasBit(words: Int32Array, row: number, bit: number): boolean {
  return ((words[row]! >>> bit) & 1) === 1;
}
