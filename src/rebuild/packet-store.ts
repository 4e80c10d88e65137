/**
 * Packets in the making, found by the address of their sk_buff: from first
 * sight until the row is handed on. The kernel reuses addresses at once, so a
 * packet that has reached its end stays findable only a little while: for
 * loopback, which brings it back, and for a drop after the last hook.
 */
import { Hook, Verdict } from '../model/codes.ts';
import { PACKETS } from '../model/tables.ts';
import { AddressTable } from './address-table.ts';
import type { RowSink } from './flow-store.ts';
import { allNull, Packet as Col, PacketBit, PacketExtra, PacketNull } from './packet-columns.ts';
import { copyPair, isOlderThan, setNull, setNulls } from './row-words.ts';
import { Queue, Slots } from './slots.ts';

const LINGER_CLOSING_NS = 10_000_000;
/** nfqueue may hold a packet for long; after this it counts as never finished. */
const LINGER_OPEN_NS = 4_000_000_000;

export class PacketStore {
  /** Packets given up, unfinished, because the store was full. */
  evicted = 0;
  readonly extra: number;
  private readonly slots: Slots;
  private readonly table: AddressTable;
  private readonly sink: RowSink;
  private handedOn = 0;

  constructor(limit: number, sink: RowSink) {
    this.slots = new Slots(PACKETS, PacketExtra.words, limit);
    this.table = new AddressTable(1024);
    this.extra = this.slots.extra;
    this.sink = sink;
  }

  /** The store's words; they move when it grows, so do not keep them across records. */
  get words(): Int32Array {
    return this.slots.words;
  }

  /** First word of the row of the packet in this sk_buff, or -1. */
  find(skbLow: number, skbHigh: number): number {
    const slot = this.table.find(skbLow, skbHigh);
    return slot < 0 ? -1 : slot * this.slots.stride;
  }

  /** A row with everything unknown; the sk_buff must not have one. */
  begin(skbLow: number, skbHigh: number): number {
    if (this.slots.isFull) this.evict();
    const slot = this.slots.take();
    const row = slot * this.slots.stride;
    const words = this.slots.words;
    this.table.insert(skbLow, skbHigh, slot);
    words[row + this.extra + PacketExtra.skb] = skbLow;
    words[row + this.extra + PacketExtra.skb + 1] = skbHigh;
    setNulls(words, row, allNull);
    return row;
  }

  bits(row: number): number {
    return this.slots.words[row + this.extra + PacketExtra.bits]!;
  }

  setBits(row: number, bits: number): void {
    this.slots.words[row + this.extra + PacketExtra.bits]! |= bits;
  }

  clearBits(row: number, bits: number): void {
    this.slots.words[row + this.extra + PacketExtra.bits]! &= ~bits;
  }

  /** A record about the packet was seen at the time at `from[word]`. */
  touch(row: number, from: Int32Array, word: number): void {
    copyPair(from, word, this.slots.words, row + this.extra + PacketExtra.lastAt);
    const queue = this.isAtEnd(row) ? Queue.closing : Queue.open;
    this.slots.touch(row / this.slots.stride, queue);
  }

  /** Hands on what has been quiet long enough before the time at `now[word]`. */
  expire(now: Int32Array, word: number): void {
    this.expireQueue(Queue.closing, LINGER_CLOSING_NS, now, word);
    this.expireQueue(Queue.open, LINGER_OPEN_NS, now, word);
  }

  finish(): void {
    for (const queue of [Queue.closing, Queue.open]) {
      for (let slot = this.slots.oldest(queue); slot >= 0; slot = this.slots.oldest(queue)) {
        this.handOn(slot * this.slots.stride);
      }
    }
  }

  /** The row is finished, or as finished as it will get. */
  handOn(row: number): void {
    const words = this.slots.words;
    const bits = this.bits(row);
    const skb = row + this.extra + PacketExtra.skb;
    this.table.remove(words[skb]!, words[skb + 1]!);
    if (bits & PacketBit.visited) {
      if (bits & PacketBit.foreign) this.forgetDrop(row);
      const number = ++this.handedOn;
      words[row + Col.number] = number | 0;
      words[row + Col.number + 1] = Math.floor(number / 0x100000000);
      words[row + Col.complete] = (bits & PacketBit.torn) === 0 && this.isWhole(row) ? 1 : 0;
      this.sink(words, row);
    }
    this.slots.give(row / this.slots.stride);
  }

  /** The sk_buff was freed, but as somebody else's. */
  private forgetDrop(row: number): void {
    setNull(this.slots.words, row, PacketNull.dropReason);
    setNull(this.slots.words, row, PacketNull.dropLocation);
    this.clearBits(row, PacketBit.dropped | PacketBit.foreign);
  }

  private expireQueue(queue: Queue, quietNs: number, now: Int32Array, word: number): void {
    for (;;) {
      const slot = this.slots.oldest(queue);
      if (slot < 0) return;
      const row = slot * this.slots.stride;
      const last = row + this.extra + PacketExtra.lastAt;
      if (!isOlderThan(this.slots.words, last, quietNs, now, word)) return;
      this.handOn(row);
    }
  }

  private evict(): void {
    const closing = this.slots.oldest(Queue.closing);
    if (closing >= 0) {
      this.handOn(closing * this.slots.stride);
      return;
    }
    const row = this.slots.oldest(Queue.open) * this.slots.stride;
    this.evicted++;
    this.setBits(row, PacketBit.torn);
    this.handOn(row);
  }

  /** Nothing more is due: dropped, or accepted by the last hook of its way. */
  private isAtEnd(row: number): boolean {
    const words = this.slots.words;
    const verdict = words[row + Col.verdict];
    const hook = words[row + Col.lastHook];
    if (this.bits(row) & PacketBit.dropped) return true;
    if (verdict !== Verdict.accept) return verdict === Verdict.drop;
    return hook === Hook.input || hook === Hook.postrouting;
  }

  /** A tracked packet must reach its end, be dropped, or be stolen. */
  private isWhole(row: number): boolean {
    const bits = this.bits(row);
    if (this.isAtEnd(row)) return true;
    if (this.slots.words[row + Col.verdict] === Verdict.stolen) return true;
    return (bits & PacketBit.conntrackRan) === 0;
  }
}
