/**
 * Flows in the making, found by their number: from the first record that names
 * one until the row is handed on, some time after its end.
 */
import { FlowCalls, HandedOn, type ReadFrom, type ReadSoFar } from '../libbpf/flows.ts';
import { FLOWS } from '../model/tables.ts';
import { Word } from '../wire/words.ts';
import { AddressTable } from './address-table.ts';
import type { BatchRows } from './batch-rows.ts';
import type { DecidedRules } from './decided-rules.ts';
import { Flow as Col, FlowExtra, FlowNull } from './flow-columns.ts';
import { copyPair, isOlderThan, setNull, wide } from './row-words.ts';
import { Queue, Slots } from './slots.ts';
import { isAllTold } from './untold.ts';

/** A deleted flow still meets packets that were under way: so long it waits for them. */
const LINGER_NS = 1_000_000_000;
const ALWAYS = 0xffff_ffff_ffff_ffffn;

/** So many flows are looked at for one that can be given up. */
const LOOKS = 16;

const NULLABLE = Object.values(FlowNull);

/** Whoever has packets of flows that wait for their rows. */
export interface Waiting {
  /** Mark of the turn that goes on. */
  readonly turn: number;
  /** Before a row leaves: packets of it may still be staged. */
  settleFlow(row: number): void;
}

/** Where finished rows go, and what they add to the rules that decided. */
interface HandedOnTo {
  readonly rows: BatchRows;
  readonly rules: DecidedRules;
}

export class FlowStore {
  /** Flows given up, unfinished, because the store was full. */
  evicted = 0;
  /** Word of the first word of our own within a row. */
  readonly extra: number;
  waiting: Waiting = { turn: 0, settleFlow: () => undefined };
  private readonly calls = new FlowCalls();
  private readonly slots: Slots;
  private readonly table: AddressTable;
  private readonly rows: BatchRows;
  private readonly rules: DecidedRules;

  private readonly oneByOne: boolean;

  constructor(limit: number, { rows, rules }: HandedOnTo, oneByOne = false) {
    const { calls } = this;
    this.slots = new Slots(FLOWS, FlowExtra.words, limit, calls.state);
    this.table = new AddressTable(Math.min(limit, 1024), calls.sizes);
    this.extra = this.slots.extra;
    this.rows = rows;
    this.rules = rules;
    this.oneByOne = oneByOne;
    const { words, next, previous, queue } = this.slots;
    calls.use({ rows: words, next, previous, queue, limit });
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
    const known = this.table.find(low, high);
    const row = (known >= 0 ? known : this.begin(words, at)) * this.slots.stride;
    copyPair(words, at + Word.ktime, this.slots.words, row + this.extra + FlowExtra.lastAt);
    return row;
  }

  /** Reads records as far as they are plain: native/flows/read.h. */
  readPlain(from: ReadFrom): ReadSoFar {
    this.calls.useIndex(this.table.entries);
    this.calls.readPlain(from);
    return this.calls.read;
  }

  /** The flow has ended: it waits a little for packets under way. */
  close(row: number): void {
    this.slots.touch(row / this.slots.stride, Queue.closing);
  }

  /** Hands on the flows that ended long enough before the time at `now[word]`. */
  expire(now: Int32Array, word: number): void {
    const slot = this.slots.oldest(Queue.closing);
    if (slot < 0) return;
    if (!isOlderThan(this.slots.words, this.lastOf(slot), LINGER_NS, now, word)) return;
    this.handOnBefore(wide(now, word) - BigInt(LINGER_NS), Queue.closing);
  }

  /** The trace is over: every flow is handed on, those that ended first. */
  finish(): void {
    this.handOnBefore(ALWAYS, Queue.closing);
    this.handOnBefore(ALWAYS, Queue.open);
  }

  /** The same of a flow that is known already, found by its number; -1 where it is not. */
  rowOfKnown(low: number, high: number): number {
    const slot = this.table.find(low, high);
    return slot < 0 ? -1 : slot * this.slots.stride;
  }

  /** Word of the time of the last record about it. */
  private lastOf(slot: number): number {
    return slot * this.slots.stride + this.extra + FlowExtra.lastAt;
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
      if (isOlderThan(slots.words, this.lastOf(slot), LINGER_NS, now, word)) return slot;
      slots.touch(slot, Queue.open);
    }
    return slots.oldest(Queue.open);
  }

  /** Those of a queue, the oldest first, whose last record is older. */
  private handOnBefore(before: bigint, queue: Queue): void {
    const { calls, rows, rules, slots } = this;
    for (let isStaged = false; ; ) {
      const slot = slots.oldest(queue);
      if (slot < 0) return;
      if (rules.areMissed || isStaged || this.oneByOne) {
        if (wide(slots.words, this.lastOf(slot)) >= before) return;
        isStaged = false;
        this.handOn(slot);
        continue;
      }
      calls.useIndex(this.table.entries);
      const { words, end: at, room } = rows;
      const { turn } = this.waiting;
      const done = calls.handOn({
        rows: words,
        at,
        room,
        counts: rules.known.counts,
        before,
        queue,
        turn,
      });
      rows.advance(done.rows);
      if (done.end === HandedOn.all) return;
      isStaged = done.end === HandedOn.staged;
    }
  }

  private handOn(slot: number, isWhole = true): void {
    const row = slot * this.slots.stride;
    this.waiting.settleFlow(row);
    const words = this.slots.words;
    const hasAll = isAllTold(words, row, words[row + this.extra + FlowExtra.known]!);
    words[row + Col.complete] = isWhole && hasAll ? 1 : 0;
    this.table.remove(words[row + Col.number]!, words[row + Col.number + 1]!);
    this.rules.countFlow(words, row);
    this.rows.append(words, row);
    this.slots.give(slot);
  }
}
