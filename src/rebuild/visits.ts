/** Visits to rows of `packets`: what one visit adds to the row of its packet. */
import { Hook, State } from '../model/codes.ts';
import { Ctinfo, RecordFlag } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';
import type { Decisions } from './decisions.ts';
import {
  Packet as Col,
  hookAt,
  hookChains,
  hookNs,
  hookNull,
  hookRewritten,
  PacketBit,
  PacketNull,
} from './packet-columns.ts';
import type { PacketFinder } from './packet-finder.ts';
import type { PacketStore } from './packet-store.ts';
import { clearNull, clearNulls, copyPair, writeEarlier } from './row-words.ts';
import { AFTER, copyTuple, type TupleWords } from './tuple-words.ts';

/** Were records of this CPU lost after the time at `started[word]`? */
export type GapTest = (started: Int32Array, word: number) => boolean;

export class Visits {
  private readonly packets: PacketStore;
  private readonly finder: PacketFinder;
  private readonly decisions: Decisions;
  /** The tuple as it entered, per CPU: comes right before the visit it belongs to. */
  private readonly entered: Int32Array[] = [];
  /** When the visit at hand began: low and high word. */
  private readonly enter = new Int32Array(2);

  constructor(packets: PacketStore, finder: PacketFinder, decisions: Decisions) {
    this.packets = packets;
    this.finder = finder;
    this.decisions = decisions;
  }

  /** RECORD_ENTERED. */
  sawEntered(words: Int32Array, at: number): void {
    const cpu = (words[at + Word.cpu]! >>> Shift.cpu) & 0xffff;
    const record = this.entered[cpu] ?? new Int32Array(Word.dstPort + 1);
    for (let word = 0; word < record.length; word++) record[word] = words[at + word]!;
    this.entered[cpu] = record;
  }

  /** RECORD_VISIT. */
  saw(words: Int32Array, at: number, wasGapSince: GapTest): void {
    writeEarlier(words, at + Word.ktime, words[at + Word.visitDuration]! >>> 0, this.enter, 0);
    const row = this.finder.rowFor(words, at, this.enter);
    const store = this.packets;
    const before = this.enteredTuple(words, at);
    if ((store.bits(row) & PacketBit.visited) === 0) {
      this.writeFirst(row, words, at, before ?? { words, at });
    }
    const hasGap = wasGapSince(store.words, row + Col.startedKtime);
    if (hasGap || before === undefined) store.setBits(row, PacketBit.torn);
    this.writeVisit(row, words, at);
    this.writeState(row, words, at);
    copyTuple({ words, at }, store.words, row, AFTER);
    this.decisions.sawRewrite(row, words, at, before);
    this.decisions.sawFlow(row, words, at, this.enter);
    store.touch(row, words, at + Word.ktime);
  }

  private writeFirst(row: number, words: Int32Array, at: number, tuple: TupleWords): void {
    const to = this.packets.words;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    const hook = (words[at + Word.hook]! >>> Shift.hook) & 0xff;
    const isStart = hook === Hook.prerouting || hook === Hook.output;
    this.packets.setBits(row, PacketBit.visited);
    if (!isStart && flags & RecordFlag.visitHadEntry) this.packets.setBits(row, PacketBit.torn);
    to[row + Col.netns] = words[at + Word.netns]!;
    to[row + Col.cpu] = (words[at + Word.cpu]! >>> Shift.cpu) & 0xffff;
    to[row + Col.family] = (words[at + Word.family]! >>> Shift.family) & 0xff;
    to[row + Col.protocol] = (words[at + Word.l4proto]! >>> Shift.l4proto) & 0xff;
    to[row + Col.length] = words[at + Word.visitLen]!;
    copyPair(this.enter, 0, to, row + Col.startedAt);
    copyPair(this.enter, 0, to, row + Col.startedKtime);
    copyTuple(tuple, to, row, Col);
  }

  /** The tuple before this visit, from the record that preceded it where the visit changed it. */
  private enteredTuple(words: Int32Array, at: number): TupleWords | undefined {
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    if ((flags & RecordFlag.visitRewritten) === 0) return { words, at };
    const cpu = (words[at + Word.cpu]! >>> Shift.cpu) & 0xffff;
    const entered = this.entered[cpu];
    const isOurs =
      entered !== undefined &&
      entered[Word.skb] === words[at + Word.skb]! &&
      entered[Word.skb + 1] === words[at + Word.skb + 1]! &&
      entered[Word.seq] === ((words[at + Word.seq]! - 1) | 0);
    return isOurs ? { words: entered, at: 0 } : undefined;
  }

  private writeVisit(row: number, words: Int32Array, at: number): void {
    const to = this.packets.words;
    const hook = (words[at + Word.hook]! >>> Shift.hook) & 0xff;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    const ifindex = words[at + Word.visitIfindex]!;
    const comesIn = hook === Hook.prerouting || hook === Hook.input;
    copyPair(this.enter, 0, to, row + hookAt[hook]!);
    to[row + hookNs[hook]!] = words[at + Word.visitDuration]!;
    to[row + hookChains[hook]!] = flags & RecordFlag.visitChainsRan ? 1 : 0;
    to[row + hookRewritten[hook]!] = flags & RecordFlag.visitRewritten ? 1 : 0;
    clearNulls(to, row, hookNull[hook]!);
    to[row + Col.lastHook] = hook;
    to[row + Col.verdict] = (words[at + Word.verdict]! >>> Shift.verdict) & 0xff;
    to[row + Col.mark] = words[at + Word.mark]!;
    if (ifindex !== 0) {
      to[row + (comesIn ? Col.inIfindex : Col.outIfindex)] = ifindex;
      clearNull(to, row, comesIn ? PacketNull.inIfindex : PacketNull.outIfindex);
    }
    if (flags & RecordFlag.visitConntrackRan) this.packets.setBits(row, PacketBit.conntrackRan);
    if (flags & RecordFlag.visitChainsRan) to[row + Col.chainRuns]!++;
  }

  private writeState(row: number, words: Int32Array, at: number): void {
    const to = this.packets.words;
    const ctinfo = (words[at + Word.ctinfo]! >>> Shift.ctinfo) & 0xff;
    const wasTracked = (this.packets.bits(row) & PacketBit.conntrackRan) !== 0;
    to[row + Col.state] = stateOf(ctinfo, wasTracked);
    if (ctinfo > 4) return; // no entry, so no direction
    to[row + Col.direction] = ctinfo > 2 ? 1 : 0;
    clearNull(to, row, PacketNull.direction);
  }
}

function stateOf(ctinfo: number, wasTracked: boolean): number {
  if (ctinfo === 2) return State.new;
  if (ctinfo === 0 || ctinfo === 3) return State.established;
  if (ctinfo === 1 || ctinfo === 4) return State.related;
  if (ctinfo === Ctinfo.untracked) return State.untracked;
  return wasTracked ? State.invalid : State.none;
}
