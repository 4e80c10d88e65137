/**
 * Flows in the making, found by their number: from the first record that names
 * one until the row is handed on, some time after its end.
 */
import { Confirm, Mapping, Status } from '../model/codes.ts';
import { FLOWS } from '../model/tables.ts';
import { Word } from '../wire/words.ts';
import { AddressTable } from './address-table.ts';
import { Flow as Col, FlowExtra, FlowNull, Known } from './flow-columns.ts';
import { copyPair, isOlderThan, setNull } from './row-words.ts';
import { Queue, Slots } from './slots.ts';

/** A deleted flow still meets packets that were under way: so long it waits for them. */
const LINGER_NS = 1_000_000_000;

/** So many flows are looked at for one that can be given up. */
const LOOKS = 16;

const NULLABLE = Object.values(FlowNull);

/** Takes a finished row: words of the store, valid during the call. */
export type RowSink = (words: Int32Array, row: number) => void;

export class FlowStore {
  /** Flows given up, unfinished, because the store was full. */
  evicted = 0;
  /** Word of the first word of our own within a row. */
  readonly extra: number;
  /** Called before a row leaves: packets of it may still be staged. */
  beforeHandOn: (row: number) => void = () => undefined;
  private readonly slots: Slots;
  private readonly table: AddressTable;
  private readonly sink: RowSink;
  /** The flow that was asked for last: packets of one come in runs. */
  private lastLow = 0;
  private lastHigh = 0;
  private lastSlot = -1;

  constructor(limit: number, sink: RowSink) {
    this.slots = new Slots(FLOWS, FlowExtra.words, limit);
    this.table = new AddressTable(Math.min(limit, 1024));
    this.extra = this.slots.extra;
    this.sink = sink;
  }

  /** The store's words. */
  get words(): Int32Array {
    return this.slots.words;
  }

  /** First word of the row of the flow that a record names, made if need be; -1 for no flow. */
  rowOf(words: Int32Array, at: number): number {
    const low = words[at + Word.flow]!;
    const high = words[at + Word.flow + 1]!;
    if (low === 0 && high === 0) return -1;
    if (low !== this.lastLow || high !== this.lastHigh || this.lastSlot < 0) {
      const known = this.table.find(low, high);
      this.lastSlot = known >= 0 ? known : this.begin(words, at);
      this.lastLow = low;
      this.lastHigh = high;
    }
    const row = this.lastSlot * this.slots.stride;
    copyPair(words, at + Word.ktime, this.slots.words, row + this.extra + FlowExtra.lastAt);
    return row;
  }

  /** The flow has ended: it waits a little for packets under way. */
  close(row: number): void {
    this.slots.touch(row / this.slots.stride, Queue.closing);
  }

  /** Hands on the flows that ended long enough before the time at `now[word]`. */
  expire(now: Int32Array, word: number): void {
    for (;;) {
      const slot = this.slots.oldest(Queue.closing);
      if (slot < 0) return;
      const last = slot * this.slots.stride + this.extra + FlowExtra.lastAt;
      if (!isOlderThan(this.slots.words, last, LINGER_NS, now, word)) return;
      this.handOn(slot);
    }
  }

  /** The trace is over: every flow is handed on, those that ended first. */
  finish(): void {
    for (const queue of [Queue.closing, Queue.open]) {
      for (let slot = this.slots.oldest(queue); slot >= 0; slot = this.slots.oldest(queue)) {
        this.handOn(slot);
      }
    }
  }

  /** The same of a flow that is known already, found by its number; -1 where it is not. */
  rowOfKnown(low: number, high: number): number {
    if (low !== this.lastLow || high !== this.lastHigh || this.lastSlot < 0) {
      const slot = this.table.find(low, high);
      if (slot < 0) return -1;
      this.lastSlot = slot;
      this.lastLow = low;
      this.lastHigh = high;
    }
    return this.lastSlot * this.slots.stride;
  }

  private begin(words: Int32Array, at: number): number {
    if (this.slots.isFull) this.evict(words, at + Word.ktime);
    const slot = this.slots.take();
    const row = slot * this.slots.stride;
    const to = this.slots.words;
    this.table.insert(words[at + Word.flow]!, words[at + Word.flow + 1]!, slot);
    copyPair(words, at + Word.flow, to, row + Col.number);
    copyPair(words, at + Word.ktime, to, row + Col.firstAt);
    copyPair(words, at + Word.ktime, to, row + Col.firstKtime);
    to[row + Col.netns] = words[at + Word.netns]!;
    for (let index = 0; index < NULLABLE.length; index++) setNull(to, row, NULLABLE[index]!);
    return slot;
  }

  /** The one that ended first; else the first quiet one, in the order of first sight. */
  private evict(now: Int32Array, word: number): void {
    const closing = this.slots.oldest(Queue.closing);
    if (closing >= 0) {
      this.handOn(closing);
      return;
    }
    this.evicted++;
    this.handOn(this.quietest(now, word), false);
  }

  /** A look at the first few: those met lately go to the end of the queue. */
  private quietest(now: Int32Array, word: number): number {
    const { slots } = this;
    for (let look = 0; look < LOOKS; look++) {
      const slot = slots.oldest(Queue.open);
      const last = slot * slots.stride + this.extra + FlowExtra.lastAt;
      if (isOlderThan(slots.words, last, LINGER_NS, now, word)) return slot;
      slots.touch(slot, Queue.open);
    }
    return slots.oldest(Queue.open);
  }

  private handOn(slot: number, isWhole = true): void {
    const row = slot * this.slots.stride;
    this.beforeHandOn(row);
    const words = this.slots.words;
    const known = words[row + this.extra + FlowExtra.known]!;
    const isLost = markUnknown(words, row);
    const hasAll = (known & TOLD) === TOLD && !isLost;
    words[row + Col.complete] = isWhole && hasAll ? 1 : 0;
    this.table.remove(words[row + Col.number]!, words[row + Col.number + 1]!);
    this.sink(words, row);
    this.slots.give(slot);
    this.lastSlot = -1;
  }
}

const TOLD = Known.original | Known.reply | Known.told;

/** What the entry's status shows was done, though no record told of it: those were lost. */
function markUnknown(words: Int32Array, row: number): boolean {
  const confirm = isUntold(words, row, Status.confirmed, Col.confirm);
  const src = isUntold(words, row, Status.srcNatDone, Col.srcNat);
  const dst = isUntold(words, row, Status.dstNatDone, Col.dstNat);
  if (confirm) words[row + Col.confirm] = Confirm.unknown;
  if (src) words[row + Col.srcNat] = Mapping.unknown;
  if (dst) words[row + Col.dstNat] = Mapping.unknown;
  return confirm || src || dst;
}

function isUntold(words: Int32Array, row: number, done: number, column: number): boolean {
  return (words[row + Col.status]! & done) !== 0 && words[row + column] === 0;
}
