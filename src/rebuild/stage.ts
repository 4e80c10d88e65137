/**
 * Traversal records on their way to columns. They gather here, some hundred at
 * a time, and then each column is filled in one loop over all of them: a store
 * into one of many arrays costs several times as much when it is done alone.
 */
import { recordWords } from '../wire/words.ts';

/** Records that gather; small enough for the cache. */
export const STAGE_RECORDS = 256;

export class Stage {
  /** Copies of the records, one after the other. */
  readonly words = new Int32Array(STAGE_RECORDS * recordWords);
  /** Per record: first word of its flow's row in the store of flows, -1 for none. */
  readonly flows = new Int32Array(STAGE_RECORDS);
  /** Per record: what is wrong with it, or done already: bits of Noted. */
  readonly noted = new Uint8Array(STAGE_RECORDS);
  count = 0;
  /** Counts how often it was emptied. */
  turn = 1;

  get isFull(): boolean {
    return this.count === STAGE_RECORDS;
  }

  /** Copies a record. The caller checks isFull first. */
  add(from: Int32Array, at: number, flow: number): number {
    const index = this.count++;
    copyRecord(from, at, this.words, index * recordWords);
    this.flows[index] = flow;
    this.noted[index] = 0;
    return index;
  }
}

export const Noted = {
  /** The tuple is written already. */
  cameDone: 1,
  leftDone: 2,
  torn: 4,
  leftUnknown: 8,
  /** The record that had the tuple was lost, or its entry's. */
  cameUnknown: 16,
} as const;

/** All words but the sk_buff and the sequence number; written out, as that takes half the time. */
function copyRecord(from: Int32Array, at: number, to: Int32Array, start: number): void {
  to[start] = from[at]!;
  to[start + 1] = from[at + 1]!;
  to[start + 4] = from[at + 4]!;
  to[start + 5] = from[at + 5]!;
  to[start + 7] = from[at + 7]!;
  to[start + 8] = from[at + 8]!;
  to[start + 9] = from[at + 9]!;
  to[start + 10] = from[at + 10]!;
  to[start + 11] = from[at + 11]!;
  to[start + 12] = from[at + 12]!;
  to[start + 13] = from[at + 13]!;
  to[start + 14] = from[at + 14]!;
  to[start + 15] = from[at + 15]!;
  to[start + 16] = from[at + 16]!;
  to[start + 17] = from[at + 17]!;
  to[start + 18] = from[at + 18]!;
  to[start + 19] = from[at + 19]!;
  to[start + 20] = from[at + 20]!;
  to[start + 21] = from[at + 21]!;
  to[start + 22] = from[at + 22]!;
  to[start + 23] = from[at + 23]!;
}
