/** What the visits of a row add up to: who decided its NAT, and whether it is complete. */

import { Noted } from '../libbpf/columns.ts';
import { Decision } from '../model/codes.ts';
import { RecordFlag, Seen } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';
import type { PacketBatch } from './packet-batch.ts';
import { Fact } from './packet-layout.ts';
import { Changed, changedEnds } from './tuples.ts';

/** A row that is torn is never complete, whatever follows; kept in a bit of no column. */
const TORN = 1 << 31;
/** It is not known how it came: nothing says what was rewritten. */
const NAMELESS = 1 << 30;
const COMPLETE = 1 << Fact.complete;

/** The decisions of a packet that was left open, and whether its row is complete. */
export function decide(
  batch: PacketBatch,
  row: number,
  words: Int32Array,
  at: number,
  noted: number,
): void {
  const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
  writeDecisions(batch, row, words[at + Word.seen]!, changedOf(batch, row, flags, noted));
  if (noted & Noted.torn) tear(batch, row);
  if (noted & Noted.cameUnknown) batch.facts[row]! |= NAMELESS;
  writeComplete(batch, row, flags);
}

function changedOf(batch: PacketBatch, row: number, flags: number, noted: number): number {
  if (flags & RecordFlag.packetLeftAsCame) return Changed.none;
  return noted & (Noted.leftUnknown | Noted.cameUnknown)
    ? Changed.unknown
    : changedEnds(batch, row);
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
  batch.srcNat[row] = firmer(batch.srcNat[row]!, src);
  batch.dstNat[row] = firmer(batch.dstNat[row]!, dst);
  if (confirm !== 0) batch.confirm[row] = confirm;
}

/** What was decided in an earlier visit stands, though a later one only shows the mapping. */
function firmer(before: number, now: number): number {
  const isDecided = before === Decision.rule || before === Decision.nullMapping;
  const isFirm = now === Decision.rule || now === Decision.nullMapping;
  return now === Decision.none || (isDecided && !isFirm) ? before : now;
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

export function tear(batch: PacketBatch, row: number): void {
  batch.facts[row]! |= TORN;
}

export function isTorn(batch: PacketBatch, row: number): boolean {
  return (batch.facts[row]! & TORN) !== 0;
}

export function isNameless(batch: PacketBatch, row: number): boolean {
  return (batch.facts[row]! & NAMELESS) !== 0;
}

/** A packet that is dropped has come to its end. */
export function completeDropped(batch: PacketBatch, row: number): void {
  if ((batch.facts[row]! & TORN) === 0) batch.facts[row]! |= COMPLETE;
}

/** It is, when it has come to its end, or conntrack had nothing to do with it. */
export function writeComplete(batch: PacketBatch, row: number, flags: number): void {
  if (flags & RecordFlag.packetIsTorn) tear(batch, row);
  const isOpen =
    (flags & RecordFlag.packetIsPart) !== 0 && (flags & RecordFlag.packetConntrackRan) !== 0;
  if ((batch.facts[row]! & TORN) !== 0 || isOpen) batch.facts[row]! &= ~COMPLETE;
  else batch.facts[row]! |= COMPLETE;
}
