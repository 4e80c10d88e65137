/**
 * What arrived, counted per CPU and kind, and where the per-CPU sequence
 * numbers jump: the reader's half of the ledger.
 */
import { RecordKind } from './layout.ts';
import { isLess, recordWords, Shift, Word } from './words.ts';

const KINDS = RecordKind.kinds;

/**
 * Counts records `from` to `to` of these words into the tally's arrays. Returns
 * the first one before which others of its CPU are missing, which is not
 * counted yet, else `to`.
 */
export type CountRecords = (words: Int32Array, from: number, to: number) => number;

export class Tally {
  readonly cpus: number;
  /** Records delivered, at cpu * RecordKind.kinds + kind. */
  readonly delivered: Float64Array;
  /** Sequence numbers skipped so far, per CPU. */
  readonly skipped: Float64Array;
  /** CLOCK_MONOTONIC of the first record after the last gap, per CPU: high and low word. */
  readonly gapHigh: Int32Array;
  readonly gapLow: Int32Array;
  /** The next sequence number, per CPU. */
  readonly nextSeq: Int32Array;
  /** CLOCK_MONOTONIC of the last record, per CPU: low word, high word. */
  readonly last: Int32Array;
  private readonly countRecords: CountRecords;
  private from: readonly [high: number, low: number] | undefined;
  private to: readonly [high: number, low: number] | undefined;

  /** `counting` makes what counts records, faster than our own loop. */
  constructor(cpus: number, counting?: (tally: Tally) => CountRecords) {
    this.cpus = cpus;
    this.delivered = new Float64Array(cpus * KINDS);
    this.skipped = new Float64Array(cpus);
    this.gapHigh = new Int32Array(cpus);
    this.gapLow = new Int32Array(cpus);
    this.nextSeq = new Int32Array(cpus);
    this.last = new Int32Array(cpus * 2);
    this.countRecords = counting?.(this) ?? ((words, from, to) => this.countOwn(words, from, to));
  }

  /** Counts the records from word 0 on; those of one CPU must come in their own order. */
  count(words: Int32Array, records: number): void {
    for (let from = 0; ; ) {
      from = this.countRecords(words, from, records);
      if (from >= records) return;
      this.noteGap(words, from * recordWords);
    }
  }

  private countOwn(words: Int32Array, from: number, to: number): number {
    const { nextSeq, delivered, last, cpus } = this;
    for (let record = from; record < to; record++) {
      const at = record * recordWords;
      const cpu = (words[at + Word.cpu]! >>> Shift.cpu) & 0xffff;
      const kind = (words[at + Word.kind]! >>> Shift.kind) & 0xff;
      if (cpu >= cpus || kind >= KINDS) continue; // the reader has refused such bytes already
      const seq = words[at + Word.seq]!;
      if (seq !== nextSeq[cpu]) return record;
      nextSeq[cpu] = seq + 1;
      delivered[cpu * KINDS + kind]!++;
      last[cpu * 2] = words[at + Word.ktime]!;
      last[cpu * 2 + 1] = words[at + Word.ktime + 1]!;
    }
    return to;
  }

  /** No more comes: `seq` is the next number the kernel would give out, `ns` the time now. */
  end(cpu: number, seq: number, ns: bigint): void {
    const missing = (seq - this.nextSeq[cpu]!) >>> 0;
    if (missing === 0) return;
    this.skipped[cpu]! += missing;
    this.open(cpu);
    this.to = [Number(BigInt.asIntN(32, ns >> 32n)), Number(BigInt.asIntN(32, ns))];
  }

  /** From the earliest record before a gap to the first after the last one, ns as text. */
  get lossWindow(): { fromNs: string; toNs: string } | null {
    if (this.from === undefined || this.to === undefined) return null;
    return { fromNs: nanoseconds(this.from), toNs: nanoseconds(this.to) };
  }

  /** Before this record others of its CPU are missing. */
  private noteGap(words: Int32Array, at: number): void {
    const cpu = (words[at + Word.cpu]! >>> Shift.cpu) & 0xffff;
    const seq = words[at + Word.seq]!;
    this.skipped[cpu]! += (seq - this.nextSeq[cpu]!) >>> 0;
    this.nextSeq[cpu] = seq;
    this.gapLow[cpu] = words[at + Word.ktime]!;
    this.gapHigh[cpu] = words[at + Word.ktime + 1]!;
    this.open(cpu);
    this.to = [this.gapHigh[cpu]!, this.gapLow[cpu]!];
  }

  /** A gap begins after the last record of this CPU. */
  private open(cpu: number): void {
    const before = [this.last[cpu * 2 + 1]!, this.last[cpu * 2]!] as const;
    if (this.from === undefined || isLess(...before, ...this.from)) this.from = before;
  }
}

function nanoseconds([high, low]: readonly [number, number]): string {
  return ((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString();
}
