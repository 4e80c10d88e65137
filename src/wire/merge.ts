/**
 * Drained bytes in, records in the order of time out.
 *
 * Each ring delivers its records in order, but the rings are read one after
 * another. `add` takes one drain's bytes and the time up to which they are
 * complete over all rings (the drain's horizon); `release` hands out, oldest
 * first, everything up to there and keeps the rest for the next drain. What is
 * kept is copied: the caller's bytes are free again when `add` returns.
 */
import { TraceError } from '../model/error.ts';
import { RecordKind, recordBytes } from './layout.ts';
import { isLess, recordWords, Shift, Word } from './words.ts';

/** Sees one record: words of a buffer that is valid during the call, and where it begins. */
export type RecordVisitor = (words: Int32Array, at: number) => void;

const FIRST_RECORDS = 256;

/** One CPU's records, waiting. `head` and `tail` count words. */
class Queue {
  readonly cpu: number;
  words = new Int32Array(FIRST_RECORDS * recordWords);
  head = 0;
  tail = 0;

  constructor(cpu: number) {
    this.cpu = cpu;
  }

  push(from: Int32Array, start: number, end: number): void {
    const length = end - start;
    if (this.tail + length > this.words.length) this.makeRoom(length);
    this.words.set(from.subarray(start, end), this.tail);
    this.tail += length;
  }

  private makeRoom(length: number): void {
    const waiting = this.tail - this.head;
    const room = this.words;
    if (waiting + length > room.length / 2) {
      this.words = new Int32Array(2 * (waiting + length));
    }
    this.words.set(room.subarray(this.head, this.tail), 0);
    this.head = 0;
    this.tail = waiting;
  }
}

export class Merge {
  private readonly queues: Queue[] = [];

  /**
   * @param bytes whole records as drained; offset in its buffer a multiple of 4.
   * @param cpus records that name another CPU are refused as corrupt.
   */
  add(bytes: Uint8Array, cpus: number): void {
    if (bytes.length % recordBytes !== 0) {
      throw new TraceError(
        'corrupt',
        `drained ${bytes.length} bytes, not a multiple of ${recordBytes}`,
      );
    }
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
    let start = 0;
    while (start < words.length) {
      const cpu = cpuAt(words, start, cpus);
      let end = start + recordWords;
      while (end < words.length && cpuAt(words, end, cpus) === cpu) end += recordWords;
      this.queueOf(cpu).push(words, start, end);
      start = end;
    }
  }

  /** Hands out all records older than the horizon, oldest first, equal times by CPU. */
  release(horizonHigh: number, horizonLow: number, visit: RecordVisitor): void {
    let first = this.oldest(undefined);
    while (first !== undefined) {
      const second = this.oldest(first);
      const words = first.words;
      let at = first.head;
      do {
        const low = words[at + Word.ktime]!;
        const high = words[at + Word.ktime + 1]!;
        if (!isLess(high, low, horizonHigh, horizonLow)) break;
        if (second !== undefined && at !== first.head && precedes(second, first.cpu, high, low))
          break;
        visit(words, at);
        at += recordWords;
      } while (at < first.tail);
      if (at === first.head) return;
      first.head = at;
      first = second; // what is left of the first is younger, or not to be handed out yet
    }
  }

  /** Everything that is still waiting: the trace has ended. */
  releaseAll(visit: RecordVisitor): void {
    this.release(-1, -1, visit);
  }

  private queueOf(cpu: number): Queue {
    const known = this.queues[cpu];
    if (known !== undefined) return known;
    while (this.queues.length <= cpu) this.queues.push(new Queue(this.queues.length));
    return this.queues[cpu]!;
  }

  private oldest(except: Queue | undefined): Queue | undefined {
    let found: Queue | undefined;
    for (const queue of this.queues) {
      if (queue === except || queue.head === queue.tail) continue;
      if (found === undefined || isEarlier(queue, found)) found = queue;
    }
    return found;
  }
}

function isEarlier(a: Queue, b: Queue): boolean {
  return precedes(a, b.cpu, b.words[b.head + Word.ktime + 1]!, b.words[b.head + Word.ktime]!);
}

/** Does the head of a queue come before the record of another CPU at the time (high, low)? */
function precedes(queue: Queue, cpu: number, high: number, low: number): boolean {
  const headLow = queue.words[queue.head + Word.ktime]!;
  const headHigh = queue.words[queue.head + Word.ktime + 1]!;
  return queue.cpu < cpu
    ? !isLess(high, low, headHigh, headLow)
    : isLess(headHigh, headLow, high, low);
}

function cpuAt(words: Int32Array, at: number, cpus: number): number {
  const cpu = (words[at + Word.cpu]! >>> Shift.cpu) & 0xffff;
  const kind = (words[at + Word.kind]! >>> Shift.kind) & 0xff;
  if (cpu < cpus && kind > 0 && kind < RecordKind.kinds) return cpu;
  throw new TraceError(
    'corrupt',
    `record at byte ${at * 4} says cpu ${cpu} and kind ${kind}, expected a cpu below ${cpus} and a kind from 1 to ${RecordKind.kinds - 1}`,
    { hint: 'the capture is damaged, or of another version of conntrail' },
  );
}
