/** Traversal and drop records to rows of `packets`, and what each row tells about its flow. */
import { Hook, Verdict } from '../model/codes.ts';
import { RecordFlag } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';
import {
  hasBit,
  isMapped,
  isNameless,
  isTorn,
  noteNameless,
  tear,
  writeComplete,
  writeDecisions,
  writeState,
} from './decisions.ts';
import type { FlowStore } from './flow-store.ts';
import type { Flows } from './flows.ts';
import { Fact, type PacketBatch, Present } from './packet-batch.ts';
import { LINGER_NS, type PacketRows } from './packet-rows.ts';
import { copyPair, isOlderThan, sameAddress } from './row-words.ts';
import { Changed, changedEnds, copyCame, isReplyOf, Tuples } from './tuples.ts';
import type { Visits } from './visits.ts';

export class Packets {
  readonly tuples: Tuples;
  private readonly rows: PacketRows;
  private readonly visits: Visits;
  private readonly store: FlowStore;
  private readonly flows: Flows;

  constructor(rows: PacketRows, visits: Visits, store: FlowStore, flows: Flows) {
    this.rows = rows;
    this.visits = visits;
    this.store = store;
    this.flows = flows;
    this.tuples = new Tuples(store);
  }

  /** RECORD_TRAVERSAL: a packet, or more visits of one that has a row. */
  saw(words: Int32Array, at: number): void {
    const known = this.rows.find(words[at + Word.skb]!, words[at + Word.skb + 1]!);
    if (known >= 0 && this.continues(this.rows.foundBatch, known, words, at)) {
      this.amend(this.rows.foundBatch, known, words, at);
    } else {
      this.append(words, at);
    }
  }

  /** RECORD_DROP: follows the traversal of its packet; names are numbers of ours. */
  sawDrop(words: Int32Array, at: number, reason: number, location: number): void {
    const row = this.rows.find(words[at + Word.skb]!, words[at + Word.skb + 1]!);
    if (row < 0) return;
    const batch = this.rows.foundBatch;
    if (isOlderThan(batch.endedAt, row * 2, LINGER_NS, words, at + Word.ktime)) return;
    if (hasBit(batch.present, row, Present.drop) || !isOfRow(batch, row, words, at)) return;
    batch.dropReason[row] = reason;
    batch.dropLocation[row] = location;
    batch.present[row]! |= 1 << Present.drop;
    batch.facts[row]! |= (isTorn(batch, row) ? 0 : 1) << Fact.complete;
  }

  private append(words: Int32Array, at: number): void {
    const row = this.rows.begin(words[at + Word.skb]!, words[at + Word.skb + 1]!);
    const batch = this.rows.current;
    const flow = this.store.rowOf(words, at);
    batch.netns[row] = words[at + Word.netns]!;
    batch.cpu[row] = (words[at + Word.cpu]! >>> Shift.cpu) & 0xffff;
    batch.family[row] = (words[at + Word.family]! >>> Shift.family) & 0xff;
    batch.protocol[row] = (words[at + Word.l4proto]! >>> Shift.l4proto) & 0xff;
    batch.bytes[row] = words[at + Word.len]!;
    this.visits.writeStart(batch, row, words, at);
    if (!this.tuples.writeCame(batch, row, words, at, flow)) noteNameless(batch, row);
    copyCame(batch, row);
    if (!beginsWay(words, at)) tear(batch, row);
    this.writeVisits(batch, row, words, at, flow);
    if (flow >= 0) this.joinFlow(batch, row, words, at, flow);
  }

  /** More visits of the same packet: by loopback, or after a rest elsewhere. */
  private amend(batch: PacketBatch, row: number, words: Int32Array, at: number): void {
    const flow = this.store.rowOf(words, at);
    const wasMapped = isMapped(batch, row);
    const hadChains = batch.chainRuns[row]! > 0;
    const wasKnown = hasBit(batch.present, row, Present.flow);
    this.writeVisits(batch, row, words, at, flow);
    if (flow < 0) return;
    if (!wasKnown) {
      this.joinFlow(batch, row, words, at, flow);
      return;
    }
    if (!hadChains && batch.chainRuns[row]! > 0) this.flows.countChained(flow);
    if (!wasMapped && isMapped(batch, row)) this.flows.countMapped(flow);
  }

  private writeVisits(
    batch: PacketBatch,
    row: number,
    words: Int32Array,
    at: number,
    flow: number,
  ): void {
    this.visits.write(batch, row, words, at);
    batch.mark[row] = words[at + Word.mark]!;
    batch.verdict[row] = (words[at + Word.verdict]! >>> Shift.verdict) & 0xff;
    copyPair(words, at + Word.ktime, batch.endedAt, row * 2);
    copyPair(words, at + Word.ktime, batch.lastAt, 0);
    writeState(batch, row, words, at);
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    let changed: number = Changed.none;
    if ((flags & RecordFlag.packetLeftAsCame) === 0) {
      const isKnown = this.tuples.writeLeft(batch, row, words, at, flow);
      const isComparable = isKnown && !isNameless(batch, row);
      changed = isComparable ? changedEnds(batch, row) : Changed.unknown;
      if (!isKnown) tear(batch, row);
    }
    writeDecisions(batch, row, words[at + Word.seen]!, changed);
    writeComplete(batch, row, flags);
  }

  private joinFlow(
    batch: PacketBatch,
    row: number,
    words: Int32Array,
    at: number,
    flow: number,
  ): void {
    copyPair(words, at + Word.flow, batch.flow, row * 2);
    batch.present[row]! |= 1 << Present.flow;
    this.flows.sawStatus(flow, (words[at + Word.status]! >>> Shift.status) & 0xffff);
    this.flows.countPacket(flow, isReplyOf(words, at), batch.bytes[row]! >>> 0);
    if (batch.chainRuns[row]! > 0) this.flows.countChained(flow);
    if (isMapped(batch, row)) this.flows.countMapped(flow);
  }

  /** Are these visits the next ones of the packet in the row? The sk_buff alone is no proof. */
  private continues(batch: PacketBatch, row: number, words: Int32Array, at: number): boolean {
    if (batch.netns[row] !== words[at + Word.netns]) return false;
    if (batch.verdict[row] === Verdict.drop || hasBit(batch.present, row, Present.drop))
      return false;
    if (isOlderThan(batch.endedAt, row * 2, LINGER_NS, words, at + Word.ktime)) return false;
    const hook = (words[at + Word.visits]! >>> 8) & 0xff;
    if (hasBit(batch.present, row, Present.at + hook)) return false;
    const last = batch.lastHook[row]!;
    if (hook === Hook.prerouting) {
      return last === Hook.postrouting && isLoopback(batch, row, words, at);
    }
    return RANK[hook]! > RANK[last]! && sameFlow(batch, row, words, at);
  }
}

/** The order of hooks on every way, by hook. */
const RANK = [0, 2, 1, 0, 2];

function beginsWay(words: Int32Array, at: number): boolean {
  const hook = (words[at + Word.visits]! >>> 8) & 0xff;
  if (hook === Hook.prerouting || hook === Hook.output) return true;
  const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
  return (flags & RecordFlag.packetHadEntry) === 0;
}

/** A flow may appear on the way, never change. */
function sameFlow(batch: PacketBatch, row: number, words: Int32Array, at: number): boolean {
  if (!hasBit(batch.present, row, Present.flow)) return true;
  return (
    batch.flow[row * 2] === words[at + Word.flow] &&
    batch.flow[row * 2 + 1] === words[at + Word.flow + 1]
  );
}

/** Is this the drop of the packet in the row? Its own traversal may be lost. */
function isOfRow(batch: PacketBatch, row: number, words: Int32Array, at: number): boolean {
  return (
    batch.netns[row] === words[at + Word.netns] &&
    batch.flow[row * 2] === words[at + Word.flow] &&
    batch.flow[row * 2 + 1] === words[at + Word.flow + 1] &&
    (isTorn(batch, row) ||
      (sameAddress(batch.srcAfter, row * 4, words, at + Word.src) &&
        sameAddress(batch.dstAfter, row * 4, words, at + Word.dst)))
  );
}

/** lo hands the very sk_buff back, with its entry: out and in are the same interface. */
function isLoopback(batch: PacketBatch, row: number, words: Int32Array, at: number): boolean {
  const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
  return (
    (flags & RecordFlag.packetHadEntry) !== 0 &&
    hasBit(batch.present, row, Present.outIfindex) &&
    batch.outIfindex[row] === words[at + Word.inIfindex] &&
    sameFlow(batch, row, words, at)
  );
}
