/**
 * Traversal and drop records to rows of `packets`, and what each row tells
 * about its flow. Rows are begun at once and filled together: see stage.ts.
 */
import { Noted } from '../libbpf/columns.ts';
import { Hook } from '../model/codes.ts';
import { RecordFlag } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';
import { amendRow } from './amend.ts';
import { Fill } from './fill.ts';
import { FlowExtra } from './flow-columns.ts';
import type { FlowStore } from './flow-store.ts';
import type { Flows } from './flows.ts';
import { completeDropped, fillOutcome, isMapped } from './outcome.ts';
import type { PacketBatch } from './packet-batch.ts';
import { Present } from './packet-layout.ts';
import { LINGER_NS, type PacketRows } from './packet-rows.ts';
import { isOlderThan } from './row-words.ts';
import { continues, continuesRecord, hasBit, isOfRow } from './same-packet.ts';
import { Late, NO_DROP, Stage } from './stage.ts';
import { Tuples } from './tuples.ts';

const LEFT_BY_ENTRY = RecordFlag.packetLeftAsCame | RecordFlag.packetLeftAsMapped;

export class Packets {
  readonly tuples = new Tuples();
  private readonly rows: PacketRows;
  private readonly store: FlowStore;
  private readonly flows: Flows;
  private readonly stage = new Stage();
  private readonly fill: Fill;

  /** `clockOffsetNs`: wall clock minus CLOCK_MONOTONIC. */
  constructor(rows: PacketRows, store: FlowStore, flows: Flows, clockOffsetNs: bigint) {
    this.rows = rows;
    this.store = store;
    this.flows = flows;
    this.fill = new Fill(this.stage, store, rows.layout, clockOffsetNs);
    this.stage.clear(rows.room);
  }

  /** The records to come stand in these words, until settle(). */
  read(words: Int32Array): void {
    this.settle();
    this.stage.words = words;
  }

  /** RECORD_TRAVERSAL: a packet, or more visits of one that has a row. */
  saw(words: Int32Array, at: number): void {
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    const hook = (words[at + Word.visits]! >>> 8) & 0xff;
    const begins = hook === Hook.prerouting || hook === Hook.output;
    if (this.stage.room === 0) this.settle();
    const flow = this.store.rowOf(words, at); // may give up another flow, and so settle
    if (flow >= 0) this.store.words[flow + this.store.extra + FlowExtra.staged] = this.stage.turn;
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
    this.stage.add(at, flow, noted);
  }

  /** Fills the rows whose records are staged: before anybody looks at them, or their flows leave. */
  settle(): void {
    const { stage } = this;
    if (stage.count === 0) return;
    const batch = this.rows.current;
    const first = batch.length - stage.count;
    this.fill.fill(batch, this.rows.begun - stage.count + 1);
    fillOutcome(stage, batch, first, this.store);
    this.flows.countRows(stage, batch, first);
    for (let late = 0; late < stage.lateCount; late++) this.settleLate(batch, first, late);
    if (this.rows.room === 0) this.rows.turn();
    stage.clear(this.rows.room);
  }

  /** Before a record changes what is known of a flow: the packets before it see it as it was. */
  settleOf(words: Int32Array, at: number): void {
    const flow = this.store.rowOf(words, at);
    if (flow < 0) return;
    const staged = this.store.words[flow + this.store.extra + FlowExtra.staged];
    if (staged === this.stage.turn) this.settle();
  }

  /** RECORD_DROP: follows the traversal of its packet; names are numbers of ours. */
  sawDrop(words: Int32Array, at: number, reason: number, location: number): void {
    const row = this.rows.find(words[at + Word.skb]!, words[at + Word.skb + 1]!);
    if (row < 0) return;
    if (this.stage.isLateFull) this.settle();
    const index = this.stagedIndex(row);
    if (index >= 0) this.stage.addDrop(index, at, reason, location);
    else this.drop(this.rows.foundBatch, row, words, at, reason, location);
  }

  private drop(
    batch: PacketBatch,
    row: number,
    words: Int32Array,
    at: number,
    reason: number,
    location: number,
  ): void {
    if (isOlderThan(batch.endedAt, row * 2, LINGER_NS, words, at + Word.ktime)) return;
    if (hasBit(batch, row, Present.drop) || !isOfRow(batch, row, words, at)) return;
    batch.dropReason[row] = reason;
    batch.dropLocation[row] = location;
    batch.present[row]! |= 1 << Present.drop;
    completeDropped(batch, row);
  }

  /** More visits of a packet that has a row: by loopback, or after a rest elsewhere. False: it has none. */
  private addVisits(words: Int32Array, at: number, flow: number): boolean {
    const row = this.rows.find(words[at + Word.skb]!, words[at + Word.skb + 1]!);
    if (row < 0) return false;
    const hook = (words[at + Word.visits]! >>> 8) & 0xff;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    const index = this.stagedIndex(row);
    // A tuple in a record of its own is kept only until the next one comes.
    const canWait = (flags & LEFT_BY_ENTRY) !== 0 && !this.stage.isLateFull;
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
    this.amend(batch, row, words, at, flow);
    return true;
  }

  /** Of a row that find() has found: its place in the stage, -1 where it is filled already. */
  private stagedIndex(row: number): number {
    const { current, foundBatch } = this.rows;
    return foundBatch === current ? row - (current.length - this.stage.count) : -1;
  }

  private settleLate(batch: PacketBatch, first: number, late: number): void {
    const { words, late: entries } = this.stage;
    const from = late * Late.words;
    const at = entries[from + Late.at]!;
    const row = first + entries[from + Late.row]!;
    const reason = entries[from + Late.reason]!;
    if (reason === NO_DROP) this.amend(batch, row, words, at, entries[from + Late.flow]!);
    else this.drop(batch, row, words, at, reason, entries[from + Late.location]!);
  }

  private amend(
    batch: PacketBatch,
    row: number,
    words: Int32Array,
    at: number,
    flow: number,
  ): void {
    const hadFlow = hasBit(batch, row, Present.flow);
    const wasMapped = isMapped(batch, row);
    const hadChains = batch.chainRuns[row]! > 0;
    amendRow(batch, row, words, at, { flow, store: this.store, tuples: this.tuples });
    if (flow < 0) return;
    if (!hadFlow) this.flows.countRow(batch, row, flow, words, at);
    if (hadFlow && !hadChains && batch.chainRuns[row]! > 0) this.flows.countChained(flow);
    if (hadFlow && !wasMapped && isMapped(batch, row)) this.flows.countMapped(flow);
  }
}
