/**
 * Who decided a packet's NAT, and which flow the packet belongs to: what one
 * visit tells about both. Evidence is the flow's own records, taken while the
 * visit ran; where those were lost, the decision is unknown.
 */
import { Confirm, Decision, Hook, Mapping, Status, Verdict } from '../model/codes.ts';
import { RecordFlag } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';
import { Flow } from './flow-columns.ts';
import type { FlowStore } from './flow-store.ts';
import type { Flows } from './flows.ts';
import { Packet as Col, PacketBit, PacketNull } from './packet-columns.ts';
import type { PacketStore } from './packet-store.ts';
import { clearNull, copyPair, isNull } from './row-words.ts';
import { sameEnd, type TupleWords } from './tuple-words.ts';

export class Decisions {
  private readonly packets: PacketStore;
  private readonly flowStore: FlowStore;
  private readonly flows: Flows;

  constructor(packets: PacketStore, flowStore: FlowStore, flows: Flows) {
    this.packets = packets;
    this.flowStore = flowStore;
    this.flows = flows;
  }

  /** Which ends the visit rewrote; `before` is the tuple that entered, undefined where it was lost. */
  sawRewrite(row: number, words: Int32Array, at: number, before: TupleWords | undefined): void {
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    if ((flags & RecordFlag.visitRewritten) === 0) return;
    const to = this.packets.words;
    const decision = before === undefined ? Decision.unknown : Decision.mapping;
    if (before === undefined || !sameEnd(before, words, at, 'src')) {
      setDecision(to, row + Col.srcNat, decision);
    }
    if (before === undefined || !sameEnd(before, words, at, 'dst')) {
      setDecision(to, row + Col.dstNat, decision);
    }
  }

  /** The visit's flow, what was decided about it meanwhile; `enter` is when the visit began. */
  sawFlow(row: number, words: Int32Array, at: number, enter: Int32Array): void {
    const flow = this.flowStore.rowOf(words, at);
    if (flow < 0) return;
    const status = (words[at + Word.status]! >>> Shift.status) & 0xffff;
    const hook = (words[at + Word.hook]! >>> Shift.hook) & 0xff;
    const isLast = hook === Hook.input || hook === Hook.postrouting;
    const asked = this.join(row, flow, words, at);
    this.flows.sawStatus(flow, status);
    // confirmed and on its way in: what was decided meanwhile was decided by another packet
    if (asked >= 0 && (isLast || (status & Status.confirmed) === 0)) {
      this.writeDecided(row, asked, words, at, enter);
      if (isLast) this.writeConfirm(row, asked, words, at, enter);
    }
    const to = this.packets.words;
    this.countOnce(row, flow, PacketBit.chained, to[row + Col.chainRuns]! > 0, Flow.chainPackets);
    const isMapped =
      to[row + Col.srcNat] === Decision.mapping || to[row + Col.dstNat] === Decision.mapping;
    this.countOnce(row, flow, PacketBit.mapped, isMapped, Flow.mappedPackets);
  }

  /**
   * Makes the packet one of the flow's. Returns the flow that it was one of so
   * far, and whose decisions are therefore its own: a packet that lost a clash
   * leaves with another; -1 where that flow is no longer known.
   */
  private join(row: number, flow: number, words: Int32Array, at: number): number {
    const to = this.packets.words;
    const ctinfo = (words[at + Word.ctinfo]! >>> Shift.ctinfo) & 0xff;
    const isReply = ctinfo === 3 || ctinfo === 4;
    const length = to[row + Col.length]! >>> 0;
    const isFirst = isNull(to, row, PacketNull.flow);
    const before = isFirst
      ? flow
      : this.flowStore.find(to[row + Col.flow]!, to[row + Col.flow + 1]!);
    if (!isFirst && before === flow) return flow;
    this.flows.countPacket(flow, isReply, length, 1);
    if (!isFirst && before >= 0) this.leave(row, before, isReply, length);
    clearNull(to, row, PacketNull.flow);
    copyPair(words, at + Word.flow, to, row + Col.flow);
    return before;
  }

  private leave(row: number, flow: number, isReply: boolean, length: number): void {
    this.flows.countPacket(flow, isReply, -length, -1);
    const bits = this.packets.bits(row);
    if (bits & PacketBit.chained) this.flows.count(flow, Flow.chainPackets, -1);
    if (bits & PacketBit.mapped) this.flows.count(flow, Flow.mappedPackets, -1);
    this.packets.clearBits(row, PacketBit.chained | PacketBit.mapped);
  }

  private writeDecided(
    row: number,
    flow: number,
    words: Int32Array,
    at: number,
    enter: Int32Array,
  ): void {
    const to = this.packets.words;
    const src = this.flows.decidedSince(flow, true, enter, 0);
    const dst = this.flows.decidedSince(flow, false, enter, 0);
    if (src !== Mapping.none) to[row + Col.srcNat] = decisionOf(src);
    if (dst !== Mapping.none) to[row + Col.dstNat] = decisionOf(dst);
    const hook = (words[at + Word.hook]! >>> Shift.hook) & 0xff;
    const isSrc = hook === Hook.input || hook === Hook.postrouting;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    const verdict = (words[at + Word.verdict]! >>> Shift.verdict) & 0xff;
    // chains that let a packet pass always decide, except about a flow in the table already
    const mustHave = (flags & RecordFlag.visitChainsRan) !== 0 && verdict === Verdict.accept;
    if (!mustHave || (isSrc ? src : dst) !== Mapping.none) return;
    if (this.flows.wasConfirmedBefore(flow, enter, 0)) return;
    to[row + (isSrc ? Col.srcNat : Col.dstNat)] = Decision.unknown;
  }

  private writeConfirm(
    row: number,
    flow: number,
    words: Int32Array,
    at: number,
    enter: Int32Array,
  ): void {
    const confirm = this.flows.confirmedSince(flow, enter, 0);
    const ctinfo = (words[at + Word.ctinfo]! >>> Shift.ctinfo) & 0xff;
    const isEstablished = ctinfo === 0 || ctinfo === 3;
    if (confirm === Confirm.none || (confirm === Confirm.unknown && isEstablished)) return;
    this.packets.words[row + Col.confirm] = confirm;
  }

  private countOnce(row: number, flow: number, bit: number, isTrue: boolean, column: number): void {
    if (!isTrue || (this.packets.bits(row) & bit) !== 0) return;
    this.packets.setBits(row, bit);
    this.flows.count(flow, column, 1);
  }
}

/** What is decided first stays: a later visit of the same packet only adds. */
function setDecision(words: Int32Array, at: number, decision: number): void {
  if (words[at] === Decision.none) words[at] = decision;
}

function decisionOf(mapping: number): number {
  return mapping === Mapping.rule ? Decision.rule : Decision.nullMapping;
}
