/**
 * Records about entries to rows of `flows`: first sight, NAT decisions,
 * confirmation, end; and what its packets add to its counts.
 */
import { Confirm, End } from '../model/codes.ts';
import { RecordFlag, RecordKind } from '../wire/layout.ts';
import { isLess, Shift, Word } from '../wire/words.ts';
import { copyBoth, hasBoth } from './both-tuples.ts';
import type { Changes } from './changes.ts';
import type { DecidedRules } from './decided-rules.ts';
import { Flow as Col, FlowExtra, FlowNull, Known, ORIGINAL, REPLY } from './flow-columns.ts';
import { noteConfirm, noteDecided } from './flow-decided.ts';
import type { FlowStore } from './flow-store.ts';
import { BOTH, copyTuple, hasTuple, knownBy } from './flow-tuples.ts';
import { mappingOf } from './mapped.ts';
import { markOlder } from './older.ts';
import { isMapped } from './outcome.ts';
import type { PacketBatch } from './packet-batch.ts';
import { add, clearNull, copyPair } from './row-words.ts';
import { writeZone } from './zone.ts';

export class Flows {
  readonly rules: DecidedRules;
  readonly changes: Changes;
  private readonly store: FlowStore;

  constructor(store: FlowStore, rules: DecidedRules, changes: Changes) {
    this.store = store;
    this.rules = rules;
    this.changes = changes;
  }

  /**
   * Does a record about an entry say of its tuples what was not known, or was
   * otherwise? RECORD_END has the original one.
   */
  teaches(words: Int32Array, at: number): boolean {
    const row = this.store.rowOf(words, at);
    if (row < 0) return false;
    const isFlow = ((words[at + Word.kind]! >>> Shift.kind) & 0xff) === RecordKind.flow;
    const told = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    if (!isFlow && told & RecordFlag.endAccounted) return false;
    const flags = isFlow ? told : 0;
    if (flags & (RecordFlag.flowMerged | RecordFlag.flowParent)) return false;
    const isReply = (flags & RecordFlag.flowReply) !== 0;
    const known = this.store.words[row + this.store.extra + FlowExtra.known]!;
    if (flags & RecordFlag.flowBoth) {
      return (known & BOTH) !== BOTH || !hasBoth(words, at, this.store.words, row);
    }
    if ((known & (isReply ? Known.reply : Known.original)) === 0) return true;
    return !hasTuple(words, at, this.store.words, row, isReply ? REPLY : ORIGINAL);
  }

  /** RECORD_FLOW: the entry's tuples, or one of them, and what has been decided about it. */
  told(words: Int32Array, at: number): void {
    const row = this.store.rowOf(words, at);
    if (row < 0) return;
    const to = this.store.words;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    if (flags & RecordFlag.flowMerged) {
      to[row + Col.confirm] = Confirm.merged; // the tuple in this record is the other entry's
      to[row + this.store.extra + FlowExtra.known]! |= Known.confirm;
      return;
    }
    if (flags & RecordFlag.flowParent) {
      copyPair(words, at + Word.parent, to, row + Col.parent);
      clearNull(to, row, FlowNull.parent);
      return;
    }
    this.copyState(words, at, row);
    writeZone(to, row, words[at + Word.flowZone]!);
    to[row + this.store.extra + FlowExtra.known]! |= Known.told;
    if (flags & RecordFlag.flowBoth) copyBoth(words, at, to, row);
    else copyTuple(words, at, to, row, flags & RecordFlag.flowReply ? REPLY : ORIGINAL);
    this.noteTuples(row, knownBy(flags));
    if (flags & RecordFlag.flowRules) this.noteRules(words, at, row);
    else this.noteEntry(words, at, row);
    noteDecided(to, row, flags);
    if (flags & RecordFlag.flowConfirmRan) noteConfirm(this.store, words, at, row);
    if ((flags & RecordFlag.flowNew) === 0) markOlder(to, row);
    this.changes.told(words, at, row);
  }

  /** RECORD_STATE: has its original tuple, too. */
  toldState(words: Int32Array, at: number): void {
    const row = this.store.rowOf(words, at);
    if (row < 0) return;
    this.copyState(words, at, row);
    if ((this.store.words[row + this.store.extra + FlowExtra.known]! & Known.original) === 0) {
      copyTuple(words, at, this.store.words, row, ORIGINAL);
      this.noteTuples(row, Known.original);
    }
    this.changes.saw(words, at, row);
  }

  /** RECORD_END: out of the table, or freed before it ever was in it. */
  ended(words: Int32Array, at: number): void {
    const row = this.store.rowOf(words, at);
    if (row < 0) return;
    const to = this.store.words;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    this.copyState(words, at, row);
    this.changes.ended(words, at, row);
    if (flags & RecordFlag.endAccounted) this.account(words, at, row);
    else {
      copyTuple(words, at, to, row, ORIGINAL);
      this.noteTuples(row, Known.original);
    }
    if (flags & RecordFlag.endOpen) return;
    copyPair(words, at + Word.ktime, to, row + Col.endedAt);
    clearNull(to, row, FlowNull.endedAt);
    if (flags & RecordFlag.endUnconfirmed) to[row + Col.end] = End.neverConfirmed;
    else if (flags & RecordFlag.endEvicted) to[row + Col.end] = End.evicted;
    else to[row + Col.end] = words[at + Word.endRemaining]! > 0 ? End.deleted : End.expired;
    this.store.close(row);
  }

  /** The entry's status as a record tells it, unless a later one has; 0 where it does not. */
  sawStatus(flow: number, words: Int32Array, at: number): void {
    const to = this.store.words;
    const status = (words[at + Word.status]! >>> Shift.status) & 0xffff;
    const last = flow + this.store.extra + FlowExtra.statusAt;
    const [low, high] = [words[at + Word.ktime]!, words[at + Word.ktime + 1]!];
    if (status === 0 || isLess(high, low, to[last + 1]!, to[last]!)) return;
    to[flow + Col.status] = status;
    to[last] = low;
    to[last + 1] = high;
  }

  /** A packet of the flow. */
  countRow(batch: PacketBatch, row: number, flow: number): void {
    const to = this.store.words;
    const isReply = batch.direction[row] === 1;
    add(to, flow + (isReply ? Col.packetsReply : Col.packets), 1);
    add(to, flow + (isReply ? Col.bytesReply : Col.bytes), batch.bytes[row]! >>> 0);
    if (batch.chainRuns[row]! > 0) this.countChained(flow);
    if (isMapped(batch, row)) this.countMapped(flow);
  }

  /** One of its packets met a nat chain. */
  countChained(row: number): void {
    add(this.store.words, row + Col.chainPackets, 1);
  }

  /** One of its packets was rewritten from the stored mapping. */
  countMapped(row: number): void {
    add(this.store.words, row + Col.mappedPackets, 1);
  }

  /** First sight was before the first record: that comes when the entry is confirmed. */
  private noteEntry(words: Int32Array, at: number, row: number): void {
    const to = this.store.words;
    copyPair(words, at + Word.flowEntry, to, row + Col.entry);
    copyPair(words, at + Word.first, to, row + Col.firstAt);
    copyPair(words, at + Word.first, to, row + Col.firstKtime);
  }

  private noteRules(words: Int32Array, at: number, row: number): void {
    const to = this.store.words;
    const family = to[row + Col.family]!;
    const netns = to[row + Col.netns]!;
    const time = at + Word.ktime;
    const src = this.rules.numberOf(words, at + Word.srcRule, time, netns, family);
    const dst = this.rules.numberOf(words, at + Word.dstRule, time, netns, family);
    this.rules.write(to, row, src, dst);
  }

  /** What conntrack counted since the entry began: of one that is older that is not the trace's. */
  private account(words: Int32Array, at: number, row: number): void {
    const to = this.store.words;
    if (to[row + Col.older] === 1) return;
    copyPair(words, at + Word.counted, to, row + Col.packets);
    copyPair(words, at + Word.counted + 2, to, row + Col.bytes);
    copyPair(words, at + Word.counted + 4, to, row + Col.packetsReply);
    copyPair(words, at + Word.counted + 6, to, row + Col.bytesReply);
    this.rules.hasAccounts = true;
  }

  private copyState(words: Int32Array, at: number, row: number): void {
    const to = this.store.words;
    to[row + Col.netns] = words[at + Word.netns]!;
    to[row + Col.mark] = words[at + Word.mark]!;
    this.sawStatus(row, words, at);
    to[row + Col.family] = (words[at + Word.family]! >>> Shift.family) & 0xff;
    to[row + Col.protocol] = (words[at + Word.l4proto]! >>> Shift.l4proto) & 0xff;
  }

  /** Tuples have been written: which, and what NAT does once both are known. */
  private noteTuples(row: number, written: number): void {
    const { words, extra } = this.store;
    const known = words[row + extra + FlowExtra.known]! | written;
    words[row + extra + FlowExtra.known] = known;
    if ((known & BOTH) === BOTH) words[row + extra + FlowExtra.mapping] = mappingOf(words, row);
  }
}
