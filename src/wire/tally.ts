/**
 * What arrived, counted per CPU and kind, and where the per-CPU sequence
 * numbers jump: the reader's half of the ledger.
 */
import { RecordKind } from './layout.ts';
import { isLess, recordWords, Shift, Word } from './words.ts';

const KINDS = RecordKind.kinds;

export class Tally {
  readonly cpus: number;
  /** Records delivered, at cpu * RecordKind.kinds + kind. */
  readonly delivered: Float64Array;
  /** Sequence numbers skipped so far, per CPU. */
  readonly skipped: Float64Array;
  /** CLOCK_MONOTONIC of the first record after the last gap, per CPU: high and low word. */
  readonly gapHigh: Int32Array;
  readonly gapLow: Int32Array;
  private readonly nextSeq: Int32Array;
  private readonly lastHigh: Int32Array;
  private readonly lastLow: Int32Array;
  private from: readonly [high: number, low: number] | undefined;
  private to: readonly [high: number, low: number] | undefined;

  constructor(cpus: number) {
    this.cpus = cpus;
    this.delivered = new Float64Array(cpus * KINDS);
    this.skipped = new Float64Array(cpus);
    this.gapHigh = new Int32Array(cpus);
    this.gapLow = new Int32Array(cpus);
    this.nextSeq = new Int32Array(cpus);
    this.lastHigh = new Int32Array(cpus);
    this.lastLow = new Int32Array(cpus);
  }

  /** Counts the records from word 0 on; those of one CPU must come in their own order. */
  count(words: Int32Array, records: number): void {
    const { nextSeq, delivered, lastLow, lastHigh, cpus } = this;
    for (let at = 0; at < records * recordWords; at += recordWords) {
      const cpu = (words[at + Word.cpu]! >>> Shift.cpu) & 0xffff;
      const kind = (words[at + Word.kind]! >>> Shift.kind) & 0xff;
      if (cpu >= cpus || kind >= KINDS) continue; // the reader has refused such bytes already
      const seq = words[at + Word.seq]!;
      const expected = nextSeq[cpu]!;
      if (seq !== expected) this.noteGap(cpu, (seq - expected) >>> 0, words, at);
      nextSeq[cpu] = seq + 1;
      delivered[cpu * KINDS + kind]!++;
      lastLow[cpu] = words[at + Word.ktime]!;
      lastHigh[cpu] = words[at + Word.ktime + 1]!;
    }
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

  private noteGap(cpu: number, missing: number, words: Int32Array, at: number): void {
    this.skipped[cpu]! += missing;
    this.gapLow[cpu] = words[at + Word.ktime]!;
    this.gapHigh[cpu] = words[at + Word.ktime + 1]!;
    this.open(cpu);
    this.to = [this.gapHigh[cpu]!, this.gapLow[cpu]!];
  }

  /** A gap begins after the last record of this CPU. */
  private open(cpu: number): void {
    const before = [this.lastHigh[cpu]!, this.lastLow[cpu]!] as const;
    if (this.from === undefined || isLess(...before, ...this.from)) this.from = before;
  }
}

function nanoseconds([high, low]: readonly [number, number]): string {
  return ((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString();
}
