/**
 * Records of failures, which wait a moment: what became of the packet, who the
 * rival was and which rule decided is told by records that come a little later.
 * A packet that conntrack refused without a word has no record of its own: its
 * traversal shows it.
 */
import { Verdict } from '../model/codes.ts';
import type { NameTable, RowBuffer } from '../model/rows.ts';
import { Ctinfo, FailureFlag, FailureKind, RecordFlag, RecordKind } from '../wire/layout.ts';
import { isLess, recordWords, Shift, Word } from '../wire/words.ts';
import { Fate, flagsOf, kindOf } from './failure-cause.ts';
import { FailureCounts } from './failure-counts.ts';
import { type Failed, FailureRows } from './failure-rows.ts';
import type { FlowStore } from './flow-store.ts';
import { copyPair, isOlderThan } from './row-words.ts';
import { TextTable } from './text-table.ts';
import type { Tuples } from './tuples.ts';

/** So long a failure waits for what is told later. */
const WAIT_NS = 100_000_000;
/** More do not wait: the oldest is judged by what is known. */
const MOST_WAITING = 16_384;
const MOST_RANGES = 1024;

/** What a packet's traversal must not be, if that it has no entry is to mean that it was refused. */
const UNSURE = RecordFlag.packetHadEntry | RecordFlag.packetIsPart | RecordFlag.packetIsTorn;

export interface FailureOptions {
  readonly names: NameTable;
  readonly store: FlowStore;
  /** nf_conntrack_in() tells of each packet that it refuses: traversals need not. */
  readonly refusalsTold?: boolean;
  readonly onRows: (rows: RowBuffer) => void;
}

export class Failures {
  readonly counts = new FailureCounts();
  private readonly options: FailureOptions;
  private readonly rows: FailureRows;
  private readonly texts = new TextTable();
  private waiting: Failed[] = [];
  /** Place of the oldest in `waiting`. */
  private first = 0;
  /** Those whose packet's fate is not known yet, by its sk_buff. */
  private readonly bySkb = new Map<number, Failed>();
  /** Ranges whose search is still to come, by flow. */
  private readonly ranges = new Map<number, Int32Array>();

  constructor(options: FailureOptions) {
    this.options = options;
    this.rows = new FailureRows(options.names, options.store, options.onRows);
  }

  /** Does a failure wait for its packet's traversal? */
  get isAsking(): boolean {
    return this.bySkb.size > 0;
  }

  /** RECORD_FAILURE, RECORD_TEXT; others are passed over. */
  saw(kind: number, words: Int32Array, at: number): void {
    if (kind === RecordKind.failure) this.told(words, at);
    else if (kind === RecordKind.text) this.texts.add(words, at);
  }

  private told(words: Int32Array, at: number): void {
    const copy = words.slice(at, at + recordWords);
    const kind = kindOf(copy);
    if (kind === FailureKind.range) {
      if (this.ranges.size === MOST_RANGES) this.ranges.clear(); // their searches were lost
      this.ranges.set(keyOf(copy, Word.flow), copy);
      return;
    }
    if (kind === FailureKind.refused && this.settle(copy, 0, Word.ktime, Fate.refused)) return;
    this.wait(copy, kind);
  }

  /** Does a packet's traversal matter here? Most have an entry, and nothing was said of them. */
  private asks(words: Int32Array, at: number): boolean {
    return this.isAsking || ((words[at + Word.ctinfo]! >>> Shift.ctinfo) & 0xff) === Ctinfo.none;
  }

  /** RECORD_TRAVERSAL; `tuples`: what was told of the tuple it came with. */
  sawPacket(words: Int32Array, at: number, tuples: Tuples): void {
    if (!this.asks(words, at)) return;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    const hasEntry = ((words[at + Word.ctinfo]! >>> Shift.ctinfo) & 0xff) !== Ctinfo.none;
    if (!hasEntry && !isRefused(words, at, flags)) return;
    const fate = hasEntry ? Fate.valid : Fate.refused;
    if (this.settle(words, at, Word.started, fate)) return;
    if (hasEntry || this.options.refusalsTold) return;
    const came = tuples.cameOf(words, at);
    if (came !== undefined) this.wait(silentFailure(words, at, came), FailureKind.refused);
  }

  /** Hands on what has waited long enough at the time at `now[word]`. */
  expire(now: Int32Array, word: number): void {
    while (this.first < this.waiting.length) {
      const oldest = this.waiting[this.first]!;
      if (!isOlderThan(oldest.words, Word.ktime, WAIT_NS, now, word)) return;
      this.handOnFirst();
    }
  }

  /** Rows that are finished, though they do not fill a batch. */
  flush(): void {
    this.rows.flush();
  }

  finish(): void {
    while (this.first < this.waiting.length) this.handOnFirst();
    this.flush();
  }

  /** The failure of the same packet, since the time at the record's word `since`, has come out so. */
  private settle(words: Int32Array, at: number, since: number, fate: Fate): boolean {
    const key = keyOf(words, at + Word.skb);
    const failed = this.bySkb.get(key);
    if (failed === undefined) return false;
    const { words: own } = failed;
    const isBefore = isLess(
      own[Word.ktime + 1]!,
      own[Word.ktime]!,
      words[at + since + 1]!,
      words[at + since]!,
    );
    // A refusal is told when nf_conntrack_in() returns, of the packet that has just failed there.
    if (since === Word.started && isBefore) return false;
    this.bySkb.delete(key);
    failed.fate = fate;
    return true;
  }

  private wait(words: Int32Array, kind: number): void {
    const flow = keyOf(words, Word.flow);
    const range = kind === FailureKind.search ? this.ranges.get(flow) : undefined;
    if (range !== undefined) this.ranges.delete(flow);
    const isOfEntry = (flagsOf(words) & FailureFlag.ofEntry) !== 0;
    const hasZone = kind === FailureKind.invalid ? isOfEntry : kind !== FailureKind.refused;
    const failed: Failed = { words, fate: Fate.unknown, range, hasZone };
    if (kind === FailureKind.invalid) this.bySkb.set(keyOf(words, Word.skb), failed);
    this.waiting.push(failed);
    if (this.waiting.length - this.first > MOST_WAITING) this.handOnFirst();
  }

  private handOnFirst(): void {
    const failed = this.waiting[this.first++]!;
    const { words } = failed;
    const key = keyOf(words, Word.skb);
    if (this.bySkb.get(key) === failed) this.bySkb.delete(key);
    const text = hasText(words) ? this.texts.find(words, Word.said) : undefined;
    const counters = this.rows.write(failed, text);
    this.counts.add(words, counters);
    if (this.first < MOST_WAITING) return;
    this.waiting = this.waiting.slice(this.first);
    this.first = 0;
  }
}

function hasText(words: Int32Array): boolean {
  const kind = kindOf(words);
  return kind === FailureKind.invalid || kind === FailureKind.helper;
}

/** Of one that was stolen at its first hook nobody knows whether it came to conntrack. */
function isRefused(words: Int32Array, at: number, flags: number): boolean {
  if ((flags & RecordFlag.packetConntrackRan) === 0 || (flags & UNSURE) !== 0) return false;
  const verdict = (words[at + Word.verdict]! >>> Shift.verdict) & 0xff;
  return verdict === Verdict.accept || (words[at + Word.visits]! & 0xff) > 1;
}

/** As nf_conntrack_in() would have told it, at the time when the packet came to its first hook. */
function silentFailure(words: Int32Array, at: number, came: Int32Array): Int32Array {
  const failure = came.slice();
  const hook = (words[at + Word.visits]! >>> 8) & 0xff;
  copyPair(words, at + Word.started, failure, Word.ktime);
  setByte(failure, Word.hook, Shift.hook, hook);
  setByte(failure, Word.ctinfo, Shift.ctinfo, FailureKind.refused);
  setByte(failure, Word.verdict, Shift.verdict, Verdict.accept);
  failure[Word.flow] = failure[Word.flow + 1] = 0;
  failure[Word.flags]! &= 0xffff; // of the two, flags are the upper half
  return failure;
}

function setByte(words: Int32Array, word: number, shift: number, value: number): void {
  words[word] = (words[word]! & ~(0xff << shift)) | (value << shift);
}

/** 53 bits of a pair: of an address the upper ones are the same in all. */
function keyOf(words: Int32Array, word: number): number {
  return (words[word + 1]! & 0x1f_ffff) * 0x1_0000_0000 + (words[word]! >>> 0);
}
