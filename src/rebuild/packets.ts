/**
 * Traversal and drop records to rows of `packets`, and what each row tells
 * about its flow. Rows are begun at once and filled together: see stage.ts.
 */
import { Hook } from '../model/codes.ts';
import { RecordFlag } from '../wire/layout.ts';
import { recordWords, Shift, Word } from '../wire/words.ts';
import { amendRow } from './amend.ts';
import { fillBits, fillCodes, fillPlain, fillRest, fillTimes } from './fill.ts';
import { fillCame, fillLeft } from './fill-tuples.ts';
import { fillVisits } from './fill-visits.ts';
import { FlowExtra } from './flow-columns.ts';
import type { FlowStore } from './flow-store.ts';
import type { Flows } from './flows.ts';
import { completeDropped, fillOutcome, isMapped } from './outcome.ts';
import { type PacketBatch, Present } from './packet-batch.ts';
import { LINGER_NS, type PacketRows } from './packet-rows.ts';
import { isOlderThan } from './row-words.ts';
import { continues, hasBit, isOfRow } from './same-packet.ts';
import { Noted, Stage } from './stage.ts';
import { Tuples } from './tuples.ts';

export class Packets {
  readonly tuples = new Tuples();
  private readonly rows: PacketRows;
  private readonly store: FlowStore;
  private readonly flows: Flows;
  private readonly stage = new Stage();
  private readonly offset: Int32Array;

  /** `clockOffsetNs`: wall clock minus CLOCK_MONOTONIC. */
  constructor(rows: PacketRows, store: FlowStore, flows: Flows, clockOffsetNs: bigint) {
    this.rows = rows;
    this.store = store;
    this.flows = flows;
    this.offset = new Int32Array(BigInt64Array.of(clockOffsetNs).buffer);
  }

  /** RECORD_TRAVERSAL: a packet, or more visits of one that has a row. */
  saw(words: Int32Array, at: number): void {
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    const hook = (words[at + Word.visits]! >>> 8) & 0xff;
    const begins = hook === Hook.prerouting || hook === Hook.output;
    if ((!begins || flags & RecordFlag.packetHadEntry) && this.amend(words, at, hook)) return;
    if (this.stage.isFull || this.rows.current.isFull) this.settle();
    const flow = this.store.rowOf(words, at); // may give up another flow, and so settle
    const row = this.rows.begin(words[at + Word.skb]!, words[at + Word.skb + 1]!);
    const index = this.stage.add(words, at, flow);
    if (flow >= 0) {
      this.store.words[flow + this.store.extra + FlowExtra.staged] = this.stage.turn;
    }
    let noted = 0;
    if ((flags & RecordFlag.packetCameAsFlow) === 0) {
      const isKnown = this.tuples.writeCame(this.rows.current, row, words, at);
      noted |= isKnown ? Noted.cameDone : Noted.cameUnknown;
    }
    if ((flags & (RecordFlag.packetLeftAsCame | RecordFlag.packetLeftAsMapped)) === 0) {
      if (this.tuples.writeLeft(this.rows.current, row, words, at)) noted |= Noted.leftDone;
    }
    if (!begins && flags & RecordFlag.packetHadEntry) noted |= Noted.torn;
    this.stage.noted[index] = noted;
  }

  /** Fills the rows whose records are staged: before anybody looks at them, or their flows leave. */
  settle(): void {
    const { stage, store } = this;
    if (stage.count === 0) return;
    const batch = this.rows.current;
    const first = batch.length - stage.count;
    fillPlain(stage, batch, first);
    fillCodes(stage, batch, first);
    fillTimes(stage, batch, first, this.offset);
    fillBits(stage, batch, first);
    fillRest(stage, batch, first);
    fillVisits(stage, batch, first);
    fillCame(stage, batch, first, store);
    fillLeft(stage, batch, first, store);
    fillOutcome(stage, batch, first);
    this.countInFlows(batch, first);
    stage.count = 0;
    stage.turn++;
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
    const batch = this.rows.foundBatch;
    if (batch === this.rows.current) this.settle();
    if (isOlderThan(batch.endedAt, row * 2, LINGER_NS, words, at + Word.ktime)) return;
    if (hasBit(batch, row, Present.drop) || !isOfRow(batch, row, words, at)) return;
    batch.dropReason[row] = reason;
    batch.dropLocation[row] = location;
    batch.present[row]! |= 1 << Present.drop;
    completeDropped(batch, row);
  }

  /** More visits of a packet that has a row: by loopback, or after a rest elsewhere. False: it has none. */
  private amend(words: Int32Array, at: number, hook: number): boolean {
    const row = this.rows.find(words[at + Word.skb]!, words[at + Word.skb + 1]!);
    if (row < 0) return false;
    const batch = this.rows.foundBatch;
    if (batch === this.rows.current) this.settle();
    if (!continues(batch, row, words, at, hook)) return false;
    const flow = this.store.rowOf(words, at);
    const hadFlow = hasBit(batch, row, Present.flow);
    const wasMapped = isMapped(batch, row);
    const hadChains = batch.chainRuns[row]! > 0;
    amendRow(batch, row, words, at, { flow, store: this.store, tuples: this.tuples });
    if (flow < 0) return true;
    if (!hadFlow) this.countRow(batch, row, flow, words, at);
    if (hadFlow && !hadChains && batch.chainRuns[row]! > 0) this.flows.countChained(flow);
    if (hadFlow && !wasMapped && isMapped(batch, row)) this.flows.countMapped(flow);
    return true;
  }

  private countInFlows(batch: PacketBatch, first: number): void {
    const { words, count, flows } = this.stage;
    for (let index = 0, at = 0; index < count; index++, at += recordWords) {
      const flow = flows[index]!;
      if (flow >= 0) this.countRow(batch, first + index, flow, words, at);
    }
  }

  private countRow(
    batch: PacketBatch,
    row: number,
    flow: number,
    words: Int32Array,
    at: number,
  ): void {
    this.flows.sawStatus(flow, (words[at + Word.status]! >>> Shift.status) & 0xffff);
    this.flows.countPacket(flow, batch.direction[row] === 1, batch.bytes[row]! >>> 0);
    if (batch.chainRuns[row]! > 0) this.flows.countChained(flow);
    if (isMapped(batch, row)) this.flows.countMapped(flow);
  }
}
