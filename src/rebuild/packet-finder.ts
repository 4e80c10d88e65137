/**
 * Which packet a record belongs to: the sk_buff's address is only evidence, so
 * hook order, namespace, flow and time must agree as well.
 */
import { Confirm, Hook, Verdict } from '../model/codes.ts';
import { Shift, Word } from '../wire/words.ts';
import { Flow } from './flow-columns.ts';
import type { FlowStore } from './flow-store.ts';
import { Packet as Col, hookAtNull, PacketBit, PacketExtra, PacketNull } from './packet-columns.ts';
import type { PacketStore } from './packet-store.ts';
import { clearNull, copyPair, isBefore, isNull, setNull } from './row-words.ts';
import { sameAsAfter } from './tuple-words.ts';

/** Hooks that may follow each hook for the same packet; prerouting and output begin a way. */
const FOLLOWS: readonly (readonly number[])[] = [
  [Hook.input, Hook.forward, Hook.postrouting],
  [],
  [Hook.postrouting],
  [Hook.postrouting],
  [],
];

export class PacketFinder {
  private readonly packets: PacketStore;
  private readonly flowStore: FlowStore;

  constructor(packets: PacketStore, flowStore: FlowStore) {
    this.packets = packets;
    this.flowStore = flowStore;
  }

  /** RECORD_DROP: before its visit ends, or after the last one. */
  sawDrop(words: Int32Array, at: number, reason: number, location: number): void {
    const store = this.packets;
    const row = this.droppable(words, at);
    const to = store.words;
    to[row + Col.dropReason] = reason;
    to[row + Col.dropLocation] = location;
    clearNull(to, row, PacketNull.dropReason);
    clearNull(to, row, PacketNull.dropLocation);
    copyPair(words, at + Word.ktime, to, row + store.extra + PacketExtra.droppedAt);
    store.setBits(row, PacketBit.dropped);
    const isVisited = (store.bits(row) & PacketBit.visited) !== 0;
    if (isVisited && !sameAsAfter(words, at, to, row)) store.setBits(row, PacketBit.foreign);
    store.touch(row, words, at + Word.ktime);
  }

  /** The row a drop goes to: an sk_buff that was freed before is another packet by now. */
  private droppable(words: Int32Array, at: number): number {
    const store = this.packets;
    const skbLow = words[at + Word.skb]!;
    const skbHigh = words[at + Word.skb + 1]!;
    const row = store.find(skbLow, skbHigh);
    if (row < 0) return store.begin(skbLow, skbHigh);
    const wasFreed = (store.bits(row) & PacketBit.dropped) !== 0;
    if (!wasFreed && !this.isElsewhere(row, words[at + Word.netns]!)) return row;
    store.handOn(row);
    return store.begin(skbLow, skbHigh);
  }

  private isElsewhere(row: number, netns: number): boolean {
    const visited = (this.packets.bits(row) & PacketBit.visited) !== 0;
    return visited && netns !== 0 && this.packets.words[row + Col.netns] !== netns;
  }

  /**
   * The row this visit belongs to; what was there before under the same address
   * is handed on. `enter`: when the visit began, low and high word.
   */
  rowFor(words: Int32Array, at: number, enter: Int32Array): number {
    const store = this.packets;
    const skbLow = words[at + Word.skb]!;
    const skbHigh = words[at + Word.skb + 1]!;
    const row = store.find(skbLow, skbHigh);
    if (row < 0) return store.begin(skbLow, skbHigh);
    const isStub = (store.bits(row) & PacketBit.visited) === 0;
    const isDropOfThis = this.isDropOfThis(row, enter);
    if (isStub ? isDropOfThis : this.continues(row, words, at, isDropOfThis)) {
      store.clearBits(row, PacketBit.foreign);
      return row;
    }
    const carried = isDropOfThis ? this.takeDrop(row) : undefined;
    store.handOn(row);
    const fresh = store.begin(skbLow, skbHigh);
    if (carried !== undefined) this.putDrop(fresh, carried);
    return fresh;
  }

  /** Was the packet in this row dropped while this visit ran? Then it is this visit's drop. */
  private isDropOfThis(row: number, enter: Int32Array): boolean {
    const store = this.packets;
    if ((store.bits(row) & PacketBit.dropped) === 0) return false;
    return !isBefore(store.words, row + store.extra + PacketExtra.droppedAt, enter, 0);
  }

  private takeDrop(row: number): Int32Array {
    const store = this.packets;
    const words = store.words;
    const when = row + store.extra + PacketExtra.droppedAt;
    const drop = Int32Array.of(
      words[row + Col.dropReason]!,
      words[row + Col.dropLocation]!,
      words[when]!,
      words[when + 1]!,
    );
    setNull(words, row, PacketNull.dropReason);
    setNull(words, row, PacketNull.dropLocation);
    store.clearBits(row, PacketBit.dropped | PacketBit.foreign);
    return drop;
  }

  private putDrop(row: number, drop: Int32Array): void {
    const store = this.packets;
    const words = store.words;
    words[row + Col.dropReason] = drop[0]!;
    words[row + Col.dropLocation] = drop[1]!;
    clearNull(words, row, PacketNull.dropReason);
    clearNull(words, row, PacketNull.dropLocation);
    copyPair(drop, 2, words, row + store.extra + PacketExtra.droppedAt);
    store.setBits(row, PacketBit.dropped);
  }

  /** Is this the next visit of the packet in the row, or another packet at the same address? */
  private continues(row: number, words: Int32Array, at: number, isDropOfThis: boolean): boolean {
    const store = this.packets;
    if ((store.bits(row) & PacketBit.dropped) !== 0 && !isDropOfThis) return false;
    const row_ = store.words;
    const hook = (words[at + Word.hook]! >>> Shift.hook) & 0xff;
    const last = row_[row + Col.lastHook]!;
    if (row_[row + Col.netns] !== words[at + Word.netns]!) return false;
    if (row_[row + Col.verdict] === Verdict.drop) return false;
    if (!isNull(row_, row, hookAtNull[hook]!)) return false;
    if (FOLLOWS[last]!.includes(hook)) return this.sameFlow(row, words, at);
    const isLoop = last === Hook.postrouting && hook === Hook.prerouting;
    return isLoop && this.isLoopback(row, words, at);
  }

  /** A flow may appear on the way, never change; merging a clash is the exception. */
  private sameFlow(row: number, words: Int32Array, at: number): boolean {
    const row_ = this.packets.words;
    if (isNull(row_, row, PacketNull.flow)) return true;
    const low = words[at + Word.flow]!;
    const high = words[at + Word.flow + 1]!;
    if (row_[row + Col.flow] === low && row_[row + Col.flow + 1] === high) return true;
    const known = this.flowStore.find(row_[row + Col.flow]!, row_[row + Col.flow + 1]!);
    return known >= 0 && this.flowStore.words[known + Flow.confirm] === Confirm.merged;
  }

  /** lo hands the very sk_buff back, with its entry: out and in are the same interface. */
  private isLoopback(row: number, words: Int32Array, at: number): boolean {
    const row_ = this.packets.words;
    return (
      !isNull(row_, row, PacketNull.outIfindex) &&
      row_[row + Col.outIfindex] === words[at + Word.visitIfindex]! &&
      row_[row + Col.flow] === words[at + Word.flow]! &&
      row_[row + Col.flow + 1] === words[at + Word.flow + 1]!
    );
  }
}
