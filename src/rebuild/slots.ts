/**
 * Rows in the making: numbered slots of one table's row words with some words
 * of our own beside them, and two queues ordered by last use, so that what has
 * been quiet longest is found at once. A full store says so and the caller gives
 * up its oldest slot. The addresses of all slots are taken at once, the memory
 * behind them page by page as slots are used (calloc(3) of much is mmap(2)): a
 * store that grew would be copied, and be there twice meanwhile.
 */
import { layoutOf, type RowLayout } from '../model/row-layout.ts';
import type { Table } from '../model/tables.ts';

const NONE = -1;

/** Slots whose row still changes, and slots that wait a little before they are handed on. */
export const Queue = { open: 0, closing: 1 } as const;
export type Queue = (typeof Queue)[keyof typeof Queue];

/** Words of a store's state, which the shim has, too: struct flow_table. */
const State = { count: 0, free: 1, fresh: 2, heads: 3, tails: 5, words: 7 } as const;

export class Slots {
  readonly layout: RowLayout;
  /** Words of one slot: the row, then `extra` words. */
  readonly stride: number;
  /** Word of the first extra word within a slot. */
  readonly extra: number;
  readonly words: Int32Array;
  readonly limit: number;
  readonly next: Int32Array;
  readonly previous: Int32Array;
  readonly queue: Uint8Array;
  private readonly state: Int32Array;
  private readonly heads: Int32Array;
  private readonly tails: Int32Array;

  /** `state`: memory for the counts and the ends of the queues. */
  constructor(
    table: Table,
    extraWords: number,
    limit: number,
    state: Int32Array = new Int32Array(State.words),
  ) {
    this.layout = layoutOf(table);
    this.extra = this.layout.stride;
    this.stride = this.layout.stride + extraWords;
    this.limit = limit;
    this.words = new Int32Array(limit * this.stride);
    this.next = new Int32Array(limit);
    this.previous = new Int32Array(limit);
    this.queue = new Uint8Array(limit);
    this.state = state;
    this.heads = state.subarray(State.heads, State.heads + 2).fill(NONE);
    this.tails = state.subarray(State.tails, State.tails + 2).fill(NONE);
    state[State.free] = NONE;
  }

  get count(): number {
    return this.state[State.count]!;
  }

  get isFull(): boolean {
    return this.count === this.limit;
  }

  /** A zeroed slot at the young end of the open queue. Check isFull first. */
  take(): number {
    const { state } = this;
    let slot = state[State.free]!;
    if (slot === NONE) {
      slot = state[State.fresh]!++;
    } else {
      state[State.free] = this.next[slot]!;
      this.words.fill(0, slot * this.stride, (slot + 1) * this.stride);
    }
    state[State.count]!++;
    this.link(slot, Queue.open);
    return slot;
  }

  give(slot: number): void {
    this.unlink(slot);
    this.next[slot] = this.state[State.free]!;
    this.state[State.free] = slot;
    this.state[State.count]!--;
  }

  /** To the young end of a queue. */
  touch(slot: number, queue: Queue): void {
    this.unlink(slot);
    this.link(slot, queue);
  }

  queueOf(slot: number): Queue {
    return this.queue[slot] as Queue;
  }

  /** The slot of a queue that has been quiet longest, or -1. */
  oldest(queue: Queue): number {
    return this.heads[queue]!;
  }

  private link(slot: number, queue: Queue): void {
    const tail = this.tails[queue]!;
    this.queue[slot] = queue;
    this.previous[slot] = tail;
    this.next[slot] = NONE;
    if (tail === NONE) this.heads[queue] = slot;
    else this.next[tail] = slot;
    this.tails[queue] = slot;
  }

  private unlink(slot: number): void {
    const queue = this.queue[slot]!;
    const before = this.previous[slot]!;
    const after = this.next[slot]!;
    if (before === NONE) this.heads[queue] = after;
    else this.next[before] = after;
    if (after === NONE) this.tails[queue] = before;
    else this.previous[after] = before;
  }
}
