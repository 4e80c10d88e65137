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

  get isFull(): boolean {
    return this.count === STAGE_RECORDS;
  }

  /** Copies a record. The caller checks isFull first. */
  add(from: Int32Array, at: number, flow: number): number {
    const to = this.words;
    const index = this.count++;
    const start = index * recordWords;
    for (let word = 0; word < recordWords; word++) to[start + word] = from[at + word]!;
    this.flows[index] = flow;
    this.noted[index] = 0;
    return index;
  }
}

export const Noted = {
  /** The tuple it came with is written, or not known: nothing more to do. */
  cameDone: 1,
  leftDone: 2,
  torn: 4,
  leftUnknown: 8,
} as const;
