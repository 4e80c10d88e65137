/**
 * Traversal and drop records to rows of `packets`, and what each row tells
 * about its flow. Rows are begun at once and filled together: see stage.ts.
 */
import { Hook, Verdict } from '../model/codes.ts';
import { RecordFlag } from '../wire/layout.ts';
import { recordWords, Shift, Word } from '../wire/words.ts';
import { amendRow } from './amend.ts';
import { fillBits, fillCodes, fillPlain, fillRest, fillTimes } from './fill.ts';
import { fillCame, fillLeft } from './fill-tuples.ts';
import { fillVisits } from './fill-visits.ts';
import { FlowExtra } from './flow-columns.ts';
import type { FlowStore } from './flow-store.ts';
import type { Flows } from './flows.ts';
import { completeDropped, fillOutcome, isMapped, isTorn } from './outcome.ts';
import { type PacketBatch, Present } from './packet-batch.ts';
import { LINGER_NS, type PacketRows } from './packet-rows.ts';
import { isOlderThan, sameAddress } from './row-words.ts';
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

/** The order of hooks on every way, by hook. */
const RANK = [0, 2, 1, 0, 2];

/** Are these visits the next ones of the packet in the row? The sk_buff alone is no proof. */
function continues(
  batch: PacketBatch,
  row: number,
  words: Int32Array,
  at: number,
  hook: number,
): boolean {
  if (batch.netns[row] !== words[at + Word.netns]) return false;
  if (batch.verdict[row] === Verdict.drop || hasBit(batch, row, Present.drop)) return false;
  if (isOlderThan(batch.endedAt, row * 2, LINGER_NS, words, at + Word.ktime)) return false;
  if (hasBit(batch, row, Present.at + hook)) return false;
  const last = batch.lastHook[row]!;
  const isNext =
    hook === Hook.prerouting
      ? last === Hook.postrouting && isLoopback(batch, row, words, at)
      : RANK[hook]! > RANK[last]!;
  return isNext && sameFlow(batch, row, words, at);
}

/** Is this the drop of the packet in the row? Its own traversal may be lost. */
function isOfRow(batch: PacketBatch, row: number, words: Int32Array, at: number): boolean {
  if (batch.netns[row] !== words[at + Word.netns]) return false;
  const hasFlow = hasBit(batch, row, Present.flow);
  if (!(hasFlow ? sameFlow(batch, row, words, at) : isZero(words, at + Word.flow))) return false;
  if (isTorn(batch, row)) return true;
  const { srcAfter, dstAfter } = batch;
  return (
    sameAddress(srcAfter, row * 4, words, at + Word.src) &&
    sameAddress(dstAfter, row * 4, words, at + Word.dst)
  );
}

function isZero(words: Int32Array, pair: number): boolean {
  return words[pair] === 0 && words[pair + 1] === 0;
}

/** A flow may appear on the way, never change. */
function sameFlow(batch: PacketBatch, row: number, words: Int32Array, at: number): boolean {
  if (!hasBit(batch, row, Present.flow)) return true;
  return (
    batch.flow[row * 2] === words[at + Word.flow] &&
    batch.flow[row * 2 + 1] === words[at + Word.flow + 1]
  );
}

/** lo hands the very sk_buff back, with its entry: out and in are the same interface. */
function isLoopback(batch: PacketBatch, row: number, words: Int32Array, at: number): boolean {
  return (
    hasBit(batch, row, Present.outIfindex) && batch.outIfindex[row] === words[at + Word.inIfindex]
  );
}

function hasBit(batch: PacketBatch, row: number, bit: number): boolean {
  return ((batch.present[row]! >>> bit) & 1) === 1;
}
