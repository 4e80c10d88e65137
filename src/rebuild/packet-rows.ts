/**
 * The rows of `packets` that may still change: a packet that has left its last
 * hook may come back by loopback, or be dropped a moment later. So long a
 * batch waits; a small table finds a row by its sk_buff. Two packets that meet
 * in the same place of it cost the older one only this: it is not found again.
 */

import { PacketBatch } from './packet-batch.ts';
import { PacketLayout } from './packet-layout.ts';
import { isOlderThan } from './row-words.ts';

/** A packet that has left may still be dropped, or come back, within this. */
export const LINGER_NS = 10_000_000;
const PLACES = 1 << 16;
const PLACE_WORDS = 4;

/** Takes a batch whose rows change no more; it is the taker's. */
export type BatchSink = (batch: PacketBatch) => void;

export class PacketRows {
  /** The batch that is being filled. */
  current: PacketBatch;
  /** Where find() has found a row. */
  foundBatch: PacketBatch;
  readonly layout: PacketLayout;
  /** Rows so far; the last one's number. */
  begun = 0;
  private readonly sink: BatchSink;
  private readonly waiting: PacketBatch[] = [];
  /** By placeOf() its first word: skb low, skb high, number of the packet's row among all (low word). */
  readonly places = new Int32Array(PLACES * PLACE_WORDS);

  constructor(batchRows: number, sink: BatchSink) {
    this.layout = new PacketLayout(batchRows);
    this.sink = sink;
    this.current = new PacketBatch(this.layout);
    this.foundBatch = this.current;
  }

  /** Rows that can be begun until turn() is to be called. */
  get room(): number {
    return this.layout.capacity - this.current.length;
  }

  /** The current batch is full: another one takes its place. */
  turn(): void {
    this.waiting.push(this.current);
    this.current = new PacketBatch(this.layout);
  }

  /** A fresh row of the current batch, which has room; everything of it is to be filled. */
  begin(skbLow: number, skbHigh: number): number {
    this.begun++;
    const at = placeOf(skbLow);
    const { places } = this;
    places[at] = skbLow;
    places[at + 1] = skbHigh;
    places[at + 2] = this.begun;
    return this.current.length++;
  }

  /** So many rows were begun by hand. */
  advance(count: number): void {
    this.begun += count;
    this.current.length += count;
  }

  /** The row of the packet that was in this sk_buff last, in `foundBatch`; -1 where none waits. */
  find(skbLow: number, skbHigh: number): number {
    const at = placeOf(skbLow);
    const { places } = this;
    if (places[at] !== skbLow || places[at + 1] !== skbHigh) return -1;
    let before = (this.begun - places[at + 2]!) >>> 0; // rows begun since
    for (let index = this.waiting.length; index >= 0; index--) {
      const batch = this.waiting[index] ?? this.current;
      if (before < batch.length) {
        this.foundBatch = batch;
        return batch.length - 1 - before;
      }
      before -= batch.length;
    }
    return -1; // its batch was handed over
  }

  /** Hands over full batches that have waited long enough at the time at `now[word]`. */
  expire(now: Int32Array, word: number): void {
    for (;;) {
      const first = this.waiting[0];
      if (first === undefined || !isSettled(first, first.length - 1, now, word)) return;
      if (!isOlderThan(first.amendedAt, 0, LINGER_NS, now, word)) return;
      this.handOverFirst();
    }
  }

  /** Hands over what has waited long enough, full batches or not. */
  flush(now: Int32Array, word: number): void {
    this.expire(now, word);
    if (this.waiting.length > 0) return;
    const { current } = this;
    let settled = 0; // a row that came back late keeps those after it waiting
    while (settled < current.length && isSettled(current, settled, now, word)) settled++;
    if (settled === 0) return;
    const rest = current.split(settled);
    this.waiting.push(current);
    this.current = rest;
    this.handOverFirst();
  }

  /** The trace is over: nothing comes that could change a row. */
  finish(): void {
    if (this.current.length > 0) this.waiting.push(this.current);
    while (this.waiting.length > 0) this.handOverFirst();
    this.current = new PacketBatch(this.layout);
  }

  private handOverFirst(): void {
    const batch = this.waiting.shift();
    if (batch === undefined) return;
    this.sink(batch);
  }
}

/** Where in the table a packet is looked for: its first word. */
export function placeOf(skbLow: number): number {
  return ((Math.imul(skbLow, 0x9e3779b1) >>> 16) & (PLACES - 1)) * PLACE_WORDS;
}

/** Has the row been quiet so long that nothing more comes? */
function isSettled(batch: PacketBatch, row: number, now: Int32Array, word: number): boolean {
  return isOlderThan(batch.endedAt, row * 2, LINGER_NS, now, word);
}
