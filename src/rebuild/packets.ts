/**
 * Traversal and drop records to rows of `packets`, and what each row tells
 * about its flow. Rows are begun at once and filled together: see stage.ts.
 */
import { Noted } from '../libbpf/columns.ts';
import { Hook } from '../model/codes.ts';
import { RecordFlag } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';
import { Fill, type FillOptions } from './fill.ts';
import { FlowExtra } from './flow-columns.ts';
import type { FlowStore } from './flow-store.ts';
import type { Flows } from './flows.ts';
import { Later } from './later.ts';
import { decide } from './outcome.ts';
import type { PacketBatch } from './packet-batch.ts';
import type { PacketRows } from './packet-rows.ts';
import { LEFT_BY_ENTRY, Plain } from './plain.ts';
import { continues, continuesRecord } from './same-packet.ts';
import { Late, NO_DROP, Stage } from './stage.ts';
import { Tuples } from './tuples.ts';

/** What a packet takes from its entry. */
const BY_ENTRY = RecordFlag.packetCameAsFlow | RecordFlag.packetLeftAsMapped;

export class Packets {
  readonly tuples = new Tuples();
  private readonly rows: PacketRows;
  private readonly store: FlowStore;
  private readonly flows: Flows;
  private readonly stage = new Stage();
  private readonly plain: Plain;
  private readonly fill: Fill;
  private readonly later: Later;

  constructor(rows: PacketRows, store: FlowStore, flows: Flows, how: FillOptions) {
    this.rows = rows;
    this.store = store;
    this.flows = flows;
    this.plain = new Plain(
      { stage: this.stage, store, rules: flows.rules, rows },
      flows.changes.areTold,
    );
    this.fill = new Fill(this.stage, store, rows.layout, how);
    this.later = new Later(store, flows, this.tuples);
    this.stage.clear(rows.room);
  }

  /** The records to come stand in these words, until settle(). */
  read(words: Int32Array): void {
    this.settle();
    this.stage.words = words;
  }

  /** As many plain records as follow each other: see plain.ts. Returns where they end. */
  readPlain(at: number, end: number, withPackets: boolean): number {
    return this.plain.read(at, end, withPackets);
  }

  /** Mark of the turn of the stage. */
  get turn(): number {
    return this.stage.relyingMark & ~1;
  }

  /** RECORD_TRAVERSAL: a packet, or more visits of one that has a row. */
  saw(words: Int32Array, at: number): void {
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    const hook = (words[at + Word.visits]! >>> 8) & 0xff;
    const begins = hook === Hook.prerouting || hook === Hook.output;
    if (this.stage.room === 0) this.settle();
    const flow = this.store.rowOf(words, at); // may give up another flow, and so settle
    if (flow >= 0) this.mark(flow, (flags & BY_ENTRY) !== 0);
    const isLater = !begins || (flags & RecordFlag.packetHadEntry) !== 0;
    if (isLater && this.addVisits(words, at, flow)) return;
    const row = this.rows.begin(words[at + Word.skb]!, words[at + Word.skb + 1]!);
    let noted = isLater && !begins && flags & RecordFlag.packetHadEntry ? Noted.torn : 0;
    if ((flags & RecordFlag.packetCameAsFlow) === 0) {
      const isKnown = this.tuples.writeCame(this.rows.current, row, words, at);
      noted |= isKnown ? Noted.cameDone : Noted.cameUnknown;
    }
    if ((flags & LEFT_BY_ENTRY) === 0 && this.tuples.writeLeft(this.rows.current, row, words, at)) {
      noted |= Noted.leftDone;
    }
    if (flow >= 0) this.mark(flow, (flags & BY_ENTRY) !== 0); // the stage may have been emptied since
    this.stage.add(at, flow, noted);
  }

  /** Fills the rows whose records are staged: before anybody looks at them, or their flows leave. */
  settle(): void {
    const { stage } = this;
    if (stage.count === 0) return;
    const batch = this.rows.current;
    const first = batch.length - stage.count;
    const firstNumber = this.rows.begun - stage.count + 1;
    const open = this.fill.fill(batch, firstNumber);
    this.flows.changes.filled(this.fill.plan, stage, firstNumber);
    if (open > 0) this.decideOpen(batch, first, open);
    for (let late = 0; late < stage.lateCount; late++) this.settleLate(batch, first, late);
    if (this.rows.room === 0) this.rows.turn();
    stage.clear(this.rows.room);
  }

  /** Are packets staged that take their tuples from the entry of this record? */
  areStagedFrom(words: Int32Array, at: number): boolean {
    const flow = this.store.rowOf(words, at);
    return flow >= 0 && this.markOf(flow) === this.stage.relyingMark;
  }

  /** Before a flow leaves: its packets are counted in it first. */
  settleFlow(flow: number): void {
    if (this.stage.has(this.markOf(flow))) this.settle();
  }

  private markOf(flow: number): number {
    return this.store.words[flow + this.store.extra + FlowExtra.staged]!;
  }

  private mark(flow: number, relies: boolean): void {
    const word = flow + this.store.extra + FlowExtra.staged;
    this.store.words[word] = this.stage.mark(this.store.words[word]!, relies);
  }

  /** RECORD_DROP: follows the traversal of its packet; names are numbers of ours. */
  sawDrop(words: Int32Array, at: number, reason: number, location: number): void {
    const row = this.rows.find(words[at + Word.skb]!, words[at + Word.skb + 1]!);
    if (row < 0) return;
    if (this.stage.isLateFull) this.settle();
    const index = this.stagedIndex(row);
    if (index >= 0) this.stage.addDrop(index, at, reason, location);
    else this.later.drop(this.rows.foundBatch, row, words, at, reason, location);
  }

  /** More visits of a packet that has a row: by loopback, or after a rest elsewhere. False: it has none. */
  private addVisits(words: Int32Array, at: number, flow: number): boolean {
    const row = this.rows.find(words[at + Word.skb]!, words[at + Word.skb + 1]!);
    if (row < 0) return false;
    const hook = (words[at + Word.visits]! >>> 8) & 0xff;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    const index = this.stagedIndex(row);
    // A tuple in a record of its own is kept only until the next one comes.
    const hasOwn = (flags & LEFT_BY_ENTRY) === 0 || hook === Hook.output;
    const canWait = !hasOwn && !this.stage.isLateFull;
    if (index >= 0 && canWait && !this.stage.hasLate(index)) {
      const { stage } = this;
      if (!continuesRecord(words, stage.recordOf(index), stage.flowOf(index) >= 0, at, hook))
        return false;
      stage.addVisits(index, at, flow);
      return true;
    }
    if (index >= 0) this.settle();
    const batch = this.rows.foundBatch;
    if (!continues(batch, row, words, at, hook)) return false;
    this.later.amend(batch, row, words, at, flow);
    return true;
  }

  /** Of a row that find() has found: its place in the stage, -1 where it is filled already. */
  private stagedIndex(row: number): number {
    const { current, foundBatch } = this.rows;
    return foundBatch === current ? row - (current.length - this.stage.count) : -1;
  }

  /** Rows of packets in which something was decided, or of which something is missing. */
  private decideOpen(batch: PacketBatch, first: number, open: number): void {
    const { stage } = this;
    for (let index = 0, left = open; left > 0; index++) {
      const noted = stage.notedOf(index);
      if ((noted & Noted.open) === 0) continue;
      left--;
      const at = stage.recordOf(index);
      const flow = stage.flowOf(index);
      decide(batch, first + index, stage.words, at, noted);
      if (flow >= 0) this.flows.countRow(batch, first + index, flow);
    }
  }

  private settleLate(batch: PacketBatch, first: number, late: number): void {
    const { words, late: entries } = this.stage;
    const from = late * Late.words;
    const at = entries[from + Late.at]!;
    const row = first + entries[from + Late.row]!;
    const reason = entries[from + Late.reason]!;
    if (reason === NO_DROP) this.later.amend(batch, row, words, at, entries[from + Late.flow]!);
    else this.later.drop(batch, row, words, at, reason, entries[from + Late.location]!);
  }
}
