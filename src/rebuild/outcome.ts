/** What the visits of a row add up to: who decided its NAT, and whether it is complete. */

import { Noted, Staged } from '../libbpf/columns.ts';
import { Decision } from '../model/codes.ts';
import { RecordFlag, Seen } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';
import { FlowExtra } from './flow-columns.ts';
import type { FlowStore } from './flow-store.ts';
import type { PacketBatch } from './packet-batch.ts';
import { Fact } from './packet-layout.ts';
import type { Stage } from './stage.ts';
import { Changed, changedEnds } from './tuples.ts';

/** A row that is torn is never complete, whatever follows; kept in a bit of no column. */
const TORN = 1 << 31;
/** It is not known how it came: nothing says what was rewritten. */
const NAMELESS = 1 << 30;
const COMPLETE = 1 << Fact.complete;

/**
 * The decisions of the staged packets, and whether their rows are complete.
 * Needs them filled, which leaves decisions empty and rows incomplete.
 */
export function fillOutcome(
  stage: Stage,
  batch: PacketBatch,
  first: number,
  store: FlowStore,
): void {
  const { words, staged, count } = stage;
  const { facts, direction } = batch;
  const flows = store.words;
  const mapping = store.extra + FlowExtra.mapping;
  for (let index = 0, at = 0, row = first; index < count; index++, at += Staged.words, row++) {
    const record = staged[at + Staged.record]!;
    const noted = staged[at + Staged.noted]!;
    const flags = (words[record + Word.flags]! >>> Shift.flags) & 0xffff;
    const seen = words[record + Word.seen]!;
    const changed =
      (flags & AS_ENTRY) === AS_ENTRY && noted === 0
        ? mappingFor(flows[staged[at + Staged.flow]! + mapping]!, direction[row]!)
        : changedOf(batch, row, flags, noted);
    if (seen >>> Seen.decided !== 0 || changed === Changed.unknown) {
      writeDecisions(batch, row, seen, changed);
    } else if (changed !== 0) {
      batch.srcNat[row] = changed & Changed.src ? Decision.mapping : Decision.none;
      batch.dstNat[row] = changed & Changed.dst ? Decision.mapping : Decision.none;
    }
    if ((flags & UNSURE) === 0 && noted === 0) facts[row]! |= COMPLETE;
    else writeUnsure(batch, row, flags, noted);
  }
}

const AS_ENTRY = RecordFlag.packetCameAsFlow | RecordFlag.packetLeftAsMapped;
const UNSURE = RecordFlag.packetIsPart | RecordFlag.packetIsTorn;

/** What its entry says of all packets of its direction. */
function mappingFor(mapping: number, direction: number): number {
  return (mapping >>> (direction * 2)) & 3;
}

function changedOf(batch: PacketBatch, row: number, flags: number, noted: number): number {
  if (flags & RecordFlag.packetLeftAsCame) return Changed.none;
  return noted & (Noted.leftUnknown | Noted.cameUnknown)
    ? Changed.unknown
    : changedEnds(batch, row);
}

function writeUnsure(batch: PacketBatch, row: number, flags: number, noted: number): void {
  if (noted & Noted.torn) tear(batch, row);
  if (noted & Noted.cameUnknown) batch.facts[row]! |= NAMELESS;
  writeComplete(batch, row, flags);
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
