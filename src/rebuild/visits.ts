/**
 * Visits to rows of `packets`: what one visit adds to the row of its packet,
 * and who decided the packet's NAT.
 */
import { Confirm, Decision, Hook, Mapping, State } from '../model/codes.ts';
import { Ctinfo, RecordFlag } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';
import type { FlowStore } from './flow-store.ts';
import type { Flows } from './flows.ts';
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
import { clearNull, copyPair, isNull, writeEarlier } from './row-words.ts';
import { AFTER, copyTuple, sameEnd, type TupleWords } from './tuple-words.ts';

/** Were records of this CPU lost after the time at `started[word]`? */
export type GapTest = (started: Int32Array, word: number) => boolean;

export class Visits {
  private readonly packets: PacketStore;
  private readonly finder: PacketFinder;
  private readonly flowStore: FlowStore;
  private readonly flows: Flows;
  /** The tuple as it entered, per CPU: comes right before the visit it belongs to. */
  private readonly entered: Int32Array[] = [];
  /** When the visit at hand began: low and high word. */
  private readonly enter = new Int32Array(2);

  constructor(packets: PacketStore, finder: PacketFinder, flowStore: FlowStore, flows: Flows) {
    this.packets = packets;
    this.finder = finder;
    this.flowStore = flowStore;
    this.flows = flows;
  }

  /** RECORD_ENTERED. */
  sawEntered(words: Int32Array, at: number): void {
    const cpu = (words[at + Word.cpu]! >>> Shift.cpu) & 0xffff;
    const record = this.entered[cpu] ?? new Int32Array(Word.dstPort + 1);
    record.set(words.subarray(at, at + record.length));
    this.entered[cpu] = record;
  }

  /** RECORD_VISIT. */
  saw(words: Int32Array, at: number, wasGapSince: GapTest): void {
    writeEarlier(words, at + Word.ktime, words[at + Word.visitDuration]! >>> 0, this.enter, 0);
    const row = this.finder.rowFor(words, at, this.enter);
    const store = this.packets;
    if ((store.bits(row) & PacketBit.visited) === 0) this.writeFirst(row, words, at);
    else if (wasGapSince(store.words, row + Col.startedKtime)) store.setBits(row, PacketBit.torn);
    this.writeVisit(row, words, at);
    this.writeState(row, words, at);
    this.writeRewrite(row, words, at);
    this.writeFlow(row, words, at);
    store.touch(row, words, at + Word.ktime);
  }

  private writeFirst(row: number, words: Int32Array, at: number): void {
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
    copyTuple(this.enteredTuple(row, words, at), to, row, Col);
  }

  /** The tuple before this visit: from the record that preceded it where the visit changed it. */
  private enteredTuple(row: number, words: Int32Array, at: number): TupleWords {
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    if ((flags & RecordFlag.visitRewritten) === 0) return { words, at };
    const cpu = (words[at + Word.cpu]! >>> Shift.cpu) & 0xffff;
    const entered = this.entered[cpu];
    const isOurs =
      entered !== undefined &&
      entered[Word.skb] === words[at + Word.skb]! &&
      entered[Word.skb + 1] === words[at + Word.skb + 1]! &&
      entered[Word.seq] === ((words[at + Word.seq]! - 1) | 0);
    if (isOurs) return { words: entered, at: 0 };
    this.packets.setBits(row, PacketBit.torn);
    return { words, at };
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
    for (const column of hookNull[hook]!) clearNull(to, row, column);
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

  /** What the visit changed of the packet, and whether the stored mapping did it. */
  private writeRewrite(row: number, words: Int32Array, at: number): void {
    const to = this.packets.words;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    if (flags & RecordFlag.visitRewritten) {
      const before = this.enteredTuple(row, words, at);
      if (!sameEnd(before, words, at, 'src')) setDecision(to, row + Col.srcNat, Decision.mapping);
      if (!sameEnd(before, words, at, 'dst')) setDecision(to, row + Col.dstNat, Decision.mapping);
    }
    copyTuple({ words, at }, to, row, AFTER);
  }

  private writeFlow(row: number, words: Int32Array, at: number): void {
    const flow = this.flowStore.rowOf(words, at);
    if (flow < 0) return;
    const to = this.packets.words;
    const isReply = ((words[at + Word.ctinfo]! >>> Shift.ctinfo) & 0xff) > 2;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    if (isNull(to, row, PacketNull.flow)) {
      this.flows.countPacket(flow, isReply, words[at + Word.visitLen]! >>> 0);
      clearNull(to, row, PacketNull.flow);
    }
    copyPair(words, at + Word.flow, to, row + Col.flow);
    this.flows.sawStatus(flow, (words[at + Word.status]! >>> Shift.status) & 0xffff);
    this.writeDecisions(row, flow);
    if (flags & RecordFlag.visitChainsRan && to[row + Col.chainRuns] === 1) {
      this.flows.countChains(flow);
    }
    this.countMapped(row, flow);
  }

  /** Decisions and confirmation recorded while this very visit ran. */
  private writeDecisions(row: number, flow: number): void {
    const to = this.packets.words;
    const src = this.flows.decidedSince(flow, true, this.enter, 0);
    const dst = this.flows.decidedSince(flow, false, this.enter, 0);
    if (src !== Mapping.none) to[row + Col.srcNat] = decisionOf(src);
    if (dst !== Mapping.none) to[row + Col.dstNat] = decisionOf(dst);
    const confirm = this.flows.confirmedSince(flow, this.enter, 0);
    if (confirm !== Confirm.none) to[row + Col.confirm] = confirm;
  }

  private countMapped(row: number, flow: number): void {
    const to = this.packets.words;
    const isMapped =
      to[row + Col.srcNat] === Decision.mapping || to[row + Col.dstNat] === Decision.mapping;
    if (!isMapped || this.packets.bits(row) & PacketBit.mapped) return;
    this.packets.setBits(row, PacketBit.mapped);
    this.flows.countMapped(flow);
  }
}

/** What is decided first stays: a later visit of the same packet only adds. */
function setDecision(words: Int32Array, at: number, decision: number): void {
  if (words[at] === Decision.none) words[at] = decision;
}

function decisionOf(mapping: number): number {
  return mapping === Mapping.rule ? Decision.rule : Decision.nullMapping;
}

function stateOf(ctinfo: number, wasTracked: boolean): number {
  if (ctinfo === 2) return State.new;
  if (ctinfo === 0 || ctinfo === 3) return State.established;
  if (ctinfo === 1 || ctinfo === 4) return State.related;
  if (ctinfo === Ctinfo.untracked) return State.untracked;
  return wasTracked ? State.invalid : State.none;
}
