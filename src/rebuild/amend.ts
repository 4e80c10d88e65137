/** One more traversal record into a row that is filled already. */
import { Hook } from '../model/codes.ts';
import { RecordFlag, Seen } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';
import type { FlowStore } from './flow-store.ts';
import { leaveAsMapped } from './mapped.ts';
import { isNameless, tear, writeComplete, writeDecisions } from './outcome.ts';
import type { PacketBatch } from './packet-batch.ts';
import { Fact, Present } from './packet-layout.ts';
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
  writeQueued(batch, row, seen);
  writeDecisions(batch, row, seen, changedBy(batch, row, words, at, around));
  writeComplete(batch, row, flags);
}

/** The last hook of several at which user space was asked. */
function writeQueued(batch: PacketBatch, row: number, seen: number): void {
  const hooks = (seen >>> Seen.queued) & 31;
  if (hooks === 0) return;
  batch.queuedHook[row] = 31 - Math.clz32(hooks);
  batch.present[row]! |= 1 << Present.queued;
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
  const wasSentOn = ((words[at + Word.visits]! >>> 8) & 0xff) === Hook.output;
  if (flags & RecordFlag.packetLeftAsCame && !wasSentOn) return Changed.none; // and so as it left the visits before
  let isKnown = !wasSentOn || writeSentOn(batch, row, words, at, tuples);
  if (flags & RecordFlag.packetLeftAsMapped) isKnown &&= leaveAsMapped(batch, row, store, flow);
  else if ((flags & RecordFlag.packetLeftAsCame) === 0)
    isKnown &&= tuples.writeLeft(batch, row, words, at);
  if (!isKnown) tear(batch, row);
  return isKnown && !isNameless(batch, row) ? changedEnds(batch, row) : Changed.unknown;
}

/** From input to output (IPVS): what was made of it in between is how it came there. */
function writeSentOn(
  batch: PacketBatch,
  row: number,
  words: Int32Array,
  at: number,
  tuples: Tuples,
): boolean {
  const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
  if (flags & RecordFlag.packetCameAsFlow) return true;
  const before = changedEnds(batch, row);
  const isKnown = tuples.writeCameAfter(batch, row, words, at);
  if (changedEnds(batch, row) !== before) {
    batch.facts[row]! |= 1 << (Fact.rewritten + Hook.input);
  }
  return isKnown;
}
