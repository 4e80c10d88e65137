/**
 * Records about entries to rows of `flows`: first sight, NAT decisions,
 * confirmation, end; and what the packets of a flow add to its counts.
 */
import { Confirm, End, Mapping, Status } from '../model/codes.ts';
import { RecordFlag } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';
import { Flow as Col, FlowExtra, FlowNull, Known } from './flow-columns.ts';
import type { FlowStore } from './flow-store.ts';
import { add, clearNull, copyAddress, copyPair, isBefore } from './row-words.ts';

export class Flows {
  private readonly store: FlowStore;

  constructor(store: FlowStore) {
    this.store = store;
  }

  /** RECORD_FLOW: one of the entry's tuples. */
  told(words: Int32Array, at: number): void {
    const row = this.store.rowOf(words, at);
    if (row < 0) return;
    const to = this.store.words;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    this.copyState(words, at, row);
    copyPair(words, at + Word.flowEntry, to, row + Col.entry);
    to[row + Col.zone] = words[at + Word.flowZone]! & 0xffff;
    to[row + this.store.extra + FlowExtra.known]! |= Known.told;
    if (flags & RecordFlag.flowReply) this.copyReply(words, at, row);
    else this.copyOriginal(words, at, row);
    if ((flags & RecordFlag.flowNew) === 0) this.markOlder(row);
  }

  /** RECORD_MAPPING: the decision for one manip. */
  mapped(words: Int32Array, at: number): void {
    const row = this.store.rowOf(words, at);
    if (row < 0 || words[at + Word.mappingVerdict] !== 1) return;
    const to = this.store.words;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    const isSrc = (flags & RecordFlag.mappingSrc) !== 0;
    const when = isSrc ? FlowExtra.srcMappedAt : FlowExtra.dstMappedAt;
    copyPair(words, at + Word.ktime, to, row + this.store.extra + when);
    to[row + (isSrc ? Col.srcNat : Col.dstNat)] =
      flags & RecordFlag.mappingNull ? Mapping.nullMapping : Mapping.rule;
    to[row + this.store.extra + FlowExtra.known]! |= isSrc ? Known.mappedSrc : Known.mappedDst;
    this.copyState(words, at, row);
    this.copyReply(words, at, row);
  }

  /** RECORD_CONFIRM: into the table, or not. */
  confirmed(words: Int32Array, at: number): void {
    const row = this.store.rowOf(words, at);
    if (row < 0) return;
    const to = this.store.words;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    const verdict = (words[at + Word.verdict]! >>> Shift.verdict) & 0xff;
    copyPair(words, at + Word.ktime, to, row + this.store.extra + FlowExtra.confirmAt);
    to[row + this.store.extra + FlowExtra.known]! |= Known.confirm;
    if (flags & RecordFlag.confirmMerged) {
      to[row + Col.confirm] = Confirm.merged; // the tuple in this record is the other entry's
      return;
    }
    to[row + Col.confirm] = verdict === 1 ? Confirm.inserted : Confirm.refused;
    this.copyState(words, at, row);
    this.copyReply(words, at, row);
    if (verdict !== 1) return;
    copyPair(words, at + Word.ktime, to, row + Col.confirmedAt);
    clearNull(to, row, FlowNull.confirmedAt);
  }

  /** RECORD_END: out of the table, or freed before it ever was in it. */
  ended(words: Int32Array, at: number): void {
    const row = this.store.rowOf(words, at);
    if (row < 0) return;
    const to = this.store.words;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    this.copyState(words, at, row);
    this.copyOriginal(words, at, row);
    copyPair(words, at + Word.ktime, to, row + Col.endedAt);
    clearNull(to, row, FlowNull.endedAt);
    if (flags & RecordFlag.endUnconfirmed) to[row + Col.end] = End.neverConfirmed;
    else to[row + Col.end] = words[at + Word.endRemaining]! > 0 ? End.deleted : End.expired;
    this.store.close(row);
  }

  /** What a packet of the flow tells about the entry. */
  sawStatus(row: number, status: number): void {
    if (status !== 0) this.store.words[row + Col.status] = status;
  }

  /** A packet more, or with negative numbers one less. */
  countPacket(row: number, isReply: boolean, length: number, packets: 1 | -1): void {
    this.count(row, isReply ? Col.packetsReply : Col.packets, packets);
    this.count(row, isReply ? Col.bytesReply : Col.bytes, length);
  }

  count(row: number, column: number, by: number): void {
    add(this.store.words, row + column, by);
  }

  /** What was decided about a manip not before the time at `since[word]`; Mapping.none if nothing. */
  decidedSince(row: number, isSrc: boolean, since: Int32Array, word: number): number {
    const words = this.store.words;
    const known = words[row + this.store.extra + FlowExtra.known]!;
    if ((known & (isSrc ? Known.mappedSrc : Known.mappedDst)) === 0) return Mapping.none;
    const when = row + this.store.extra + (isSrc ? FlowExtra.srcMappedAt : FlowExtra.dstMappedAt);
    if (isBefore(words, when, since, word)) return Mapping.none;
    return words[row + (isSrc ? Col.srcNat : Col.dstNat)]!;
  }

  /**
   * What confirmation made of it, if that was not before the time at
   * `since[word]`; unknown where it was confirmed and no record told when.
   */
  confirmedSince(row: number, since: Int32Array, word: number): number {
    const words = this.store.words;
    const known = words[row + this.store.extra + FlowExtra.known]!;
    if ((known & Known.confirm) === 0) {
      const isLost = words[row + Col.older] === 0 && words[row + Col.status]! & Status.confirmed;
      return isLost ? Confirm.unknown : Confirm.none;
    }
    if (isBefore(words, row + this.store.extra + FlowExtra.confirmAt, since, word))
      return Confirm.none;
    return words[row + Col.confirm]!;
  }

  /** Was it in the table before the time at `since[word]`, as far as records told? */
  wasConfirmedBefore(row: number, since: Int32Array, word: number): boolean {
    const words = this.store.words;
    if (words[row + Col.older] === 1) return true;
    const known = words[row + this.store.extra + FlowExtra.known]!;
    const when = row + this.store.extra + FlowExtra.confirmAt;
    return (known & Known.confirm) !== 0 && isBefore(words, when, since, word);
  }

  private markOlder(row: number): void {
    const words = this.store.words;
    if (words[row + Col.older] === 1 || words[row + Col.confirm] !== Confirm.none) return;
    const status = words[row + Col.status]!;
    words[row + Col.older] = 1;
    words[row + Col.confirm] = Confirm.older;
    words[row + Col.srcNat] = olderMapping(status, Status.srcNat, Status.srcNatDone);
    words[row + Col.dstNat] = olderMapping(status, Status.dstNat, Status.dstNatDone);
  }

  private copyState(words: Int32Array, at: number, row: number): void {
    const to = this.store.words;
    to[row + Col.netns] = words[at + Word.netns]!;
    to[row + Col.mark] = words[at + Word.mark]!;
    this.sawStatus(row, (words[at + Word.status]! >>> Shift.status) & 0xffff);
    to[row + Col.family] = (words[at + Word.family]! >>> Shift.family) & 0xff;
    to[row + Col.protocol] = (words[at + Word.l4proto]! >>> Shift.l4proto) & 0xff;
  }

  private copyOriginal(words: Int32Array, at: number, row: number): void {
    const to = this.store.words;
    copyAddress(words, at + Word.src, to, row + Col.src);
    copyAddress(words, at + Word.dst, to, row + Col.dst);
    to[row + Col.srcPort] = (words[at + Word.srcPort]! >>> Shift.srcPort) & 0xffff;
    to[row + Col.dstPort] = (words[at + Word.dstPort]! >>> Shift.dstPort) & 0xffff;
    to[row + this.store.extra + FlowExtra.known]! |= Known.original;
  }

  private copyReply(words: Int32Array, at: number, row: number): void {
    const to = this.store.words;
    copyAddress(words, at + Word.src, to, row + Col.srcReply);
    copyAddress(words, at + Word.dst, to, row + Col.dstReply);
    to[row + Col.srcPortReply] = (words[at + Word.srcPort]! >>> Shift.srcPort) & 0xffff;
    to[row + Col.dstPortReply] = (words[at + Word.dstPort]! >>> Shift.dstPort) & 0xffff;
    to[row + this.store.extra + FlowExtra.known]! |= Known.reply;
  }
}

function olderMapping(status: number, natBit: number, doneBit: number): number {
  if (status & natBit) return Mapping.older;
  return status & doneBit ? Mapping.nullMapping : Mapping.none;
}
