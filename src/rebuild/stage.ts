/**
 * Traversal records that wait for their rows to be filled: rows are begun one
 * by one and filled together by the shim, as a call of it takes its time.
 * Records are not copied: they stand in the block that is being read, so the
 * stage is emptied before the block is used again.
 */
import { Staged } from '../libbpf/columns.ts';

/** Records that gather at most. */
const STAGE_RECORDS = 4096;

/** What comes about a row that is staged itself: more visits, or a drop. */
export const Late = { at: 0, row: 1, flow: 2, reason: 3, location: 4, words: 5 } as const;

/** `reason` of more visits. */
export const NO_DROP = -1;

export class Stage {
  /** Words of struct staged (native/columns.h), in the order of the rows. */
  readonly staged = new Int32Array(STAGE_RECORDS * Staged.words);
  /** Words of Late, in the order they came. */
  readonly late = new Int32Array(STAGE_RECORDS * Late.words);
  /** The block that the records stand in. */
  words: Int32Array = new Int32Array(0);
  count = 0;
  /** Records that can be added before the stage must be emptied. */
  room = 0;
  lateCount = 0;
  /** Counts how often it was emptied, in twos. */
  private turn = 2;

  get isLateFull(): boolean {
    return this.lateCount === STAGE_RECORDS;
  }

  /** The mark of a flow of which a packet is staged that takes tuples from its entry. */
  get relyingMark(): number {
    return this.turn | 1;
  }

  /** The mark of a flow of which a packet is staged now, that had `before`. */
  mark(before: number, relies: boolean): number {
    return relies || before === this.relyingMark ? this.relyingMark : this.turn;
  }

  /** Is a packet of the flow with this mark staged? */
  has(mark: number): boolean {
    return (mark & ~1) === this.turn;
  }

  /** The caller checks `room` first. */
  add(at: number, flow: number, noted: number): void {
    this.room--;
    const to = this.count++ * Staged.words;
    const { staged } = this;
    staged[to + Staged.record] = at;
    staged[to + Staged.flow] = flow;
    staged[to + Staged.noted] = noted;
    staged[to + Staged.late] = 0;
  }

  /** So many were written to `staged` by hand. */
  advance(count: number): void {
    this.count += count;
    this.room -= count;
  }

  /** More visits of the packet in a staged row. The caller checks isLateFull first. */
  addVisits(index: number, at: number, flow: number): void {
    this.addLate(index, at, flow, NO_DROP, 0);
  }

  addDrop(index: number, at: number, reason: number, location: number): void {
    this.addLate(index, at, -1, reason, location);
  }

  /** Has something come about this row already? */
  hasLate(index: number): boolean {
    return this.staged[index * Staged.words + Staged.late] !== 0;
  }

  recordOf(index: number): number {
    return this.staged[index * Staged.words + Staged.record]!;
  }

  flowOf(index: number): number {
    return this.staged[index * Staged.words + Staged.flow]!;
  }

  notedOf(index: number): number {
    return this.staged[index * Staged.words + Staged.noted]!;
  }

  /** `rowsLeft`: of the batch that the next ones go to. */
  clear(rowsLeft: number): void {
    this.count = 0;
    this.room = Math.min(STAGE_RECORDS, rowsLeft);
    this.lateCount = 0;
    this.turn = (this.turn + 2) | 0 || 2; // 0 is the mark of a flow that was never staged
  }

  private addLate(index: number, at: number, flow: number, reason: number, location: number): void {
    const to = this.lateCount++ * Late.words;
    const { late } = this;
    late[to + Late.at] = at;
    late[to + Late.row] = index;
    late[to + Late.flow] = flow;
    late[to + Late.reason] = reason;
    late[to + Late.location] = location;
    this.staged[index * Staged.words + Staged.late] = 1;
  }
}
