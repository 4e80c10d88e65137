/** One more traversal record into a row that is filled already. */
import { RecordFlag } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';
import type { FlowStore } from './flow-store.ts';
import { leaveAsMapped } from './mapped.ts';
import { isNameless, tear, writeComplete, writeDecisions } from './outcome.ts';
import type { PacketBatch } from './packet-batch.ts';
import { Present } from './packet-layout.ts';
import { copyPair, writeLater } from './row-words.ts';
import { stateOf } from './states.ts';
import { Changed, changedEnds, type Tuples } from './tuples.ts';
import { bitsIn, chainsIn, hookFacts, writeVisits } from './visits.ts';

export interface Around {
  /** First word of the row of its flow, -1 for none. */
  readonly flow: number;
  readonly store: FlowStore;
  readonly tuples: Tuples;
}

export function amendRow(
  batch: PacketBatch,
  row: number,
  words: Int32Array,
  at: number,
  around: Around,
): void {
  const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
  const what = words[at + Word.family]!;
  writeShifted(batch, row, words, at);
  batch.lastHook[row] = words[at + Word.hook]! >>> Shift.hook;
  batch.verdict[row] = what >>> Shift.verdict;
  batch.mark[row] = words[at + Word.mark]!;
  copyPair(words, at + Word.ktime, batch.endedAt, row * 2);
  copyPair(words, at + Word.ktime, batch.amendedAt, 0);
  writeEntry(batch, row, words, at, around.flow);
  writeInterfaces(batch, row, words, at);
  const seen = words[at + Word.seen]!;
  batch.facts[row]! |= hookFacts(seen);
  batch.chainRuns[row]! += bitsIn(chainsIn(seen));
  writeDecisions(batch, row, seen, changedBy(batch, row, words, at, around));
  writeComplete(batch, row, flags);
}

/** Times of the record count from its own start, the row has another: for a moment it has this one. */
function writeShifted(batch: PacketBatch, row: number, words: Int32Array, at: number): void {
  const pair = row * 2;
  const { startedAt, startedKtime } = batch;
  const low = startedAt[pair]!;
  const high = startedAt[pair + 1]!;
  writeLater(startedAt, pair, words, at + Word.started, startedKtime, pair);
  writeVisits(batch, row, words, at);
  startedAt[pair] = low;
  startedAt[pair + 1] = high;
}

function writeEntry(
  batch: PacketBatch,
  row: number,
  words: Int32Array,
  at: number,
  flow: number,
): void {
  const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
  const ctinfo = (words[at + Word.ctinfo]! >>> Shift.ctinfo) & 0xff;
  batch.state[row] = stateOf(ctinfo, (flags & RecordFlag.packetConntrackRan) !== 0);
  if (ctinfo <= 4) {
    batch.direction[row] = ctinfo > 2 ? 1 : 0;
    batch.present[row]! |= 1 << Present.direction;
  }
  if (flow < 0) return;
  copyPair(words, at + Word.flow, batch.flow, row * 2);
  batch.present[row]! |= 1 << Present.flow;
}

function writeInterfaces(batch: PacketBatch, row: number, words: Int32Array, at: number): void {
  if (words[at + Word.inIfindex] !== 0) {
    batch.inIfindex[row] = words[at + Word.inIfindex]!;
    batch.present[row]! |= 1 << Present.inIfindex;
  }
  if (words[at + Word.outIfindex] === 0) return;
  batch.outIfindex[row] = words[at + Word.outIfindex]!;
  batch.present[row]! |= 1 << Present.outIfindex;
}

/** Which ends these visits, with those before, have changed. */
function changedBy(
  batch: PacketBatch,
  row: number,
  words: Int32Array,
  at: number,
  { flow, store, tuples }: Around,
): number {
  const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
  if (flags & RecordFlag.packetLeftAsCame) return Changed.none; // and so as it left the visits before
  const isKnown =
    flags & RecordFlag.packetLeftAsMapped
      ? leaveAsMapped(batch, row, store, flow)
      : tuples.writeLeft(batch, row, words, at);
  if (!isKnown) tear(batch, row);
  return isKnown && !isNameless(batch, row) ? changedEnds(batch, row) : Changed.unknown;
}
