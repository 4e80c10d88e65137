/**
 * The tuples of a packet: its entry's, or those of the records that came right
 * before its traversal on the same CPU, where they are not what the entry says.
 */
import { RecordFlag, RecordKind } from '../wire/layout.ts';
import { recordWords, Shift, Word } from '../wire/words.ts';
import { Flow, FlowExtra, Known } from './flow-columns.ts';
import type { FlowStore } from './flow-store.ts';
import type { PacketBatch } from './packet-batch.ts';
import { sameAddress } from './row-words.ts';

/** Which ends of a packet differ from how it came. */
export const Changed = { none: 0, dst: 1, src: 2, unknown: 4 } as const;

/** Copies of the records of kind came and left that are still without their traversal. */
interface Pending {
  readonly came: Int32Array;
  readonly left: Int32Array;
}

export class Tuples {
  private readonly store: FlowStore;
  private readonly pending: Pending[] = [];

  constructor(store: FlowStore) {
    this.store = store;
  }

  /** RECORD_CAME, RECORD_LEFT. */
  keep(words: Int32Array, at: number, cpu: number, kind: number): void {
    this.pending[cpu] ??= {
      came: new Int32Array(recordWords),
      left: new Int32Array(recordWords),
    };
    const to = kind === RecordKind.came ? this.pending[cpu].came : this.pending[cpu].left;
    for (let word = 0; word < recordWords; word++) to[word] = words[at + word]!;
  }

  /** The tuple as it came; false where it is not known. `flow`: row of its entry, -1 for none. */
  writeCame(batch: PacketBatch, row: number, words: Int32Array, at: number, flow: number): boolean {
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    if (flags & RecordFlag.packetCameAsFlow) return this.writeFlows(batch, row, words, at, flow);
    const cpu = (words[at + Word.cpu]! >>> Shift.cpu) & 0xffff;
    const came = this.pending[cpu]?.came;
    if (came === undefined || !isOf(came, words, at)) return false;
    writeTuple(batch.src, batch.dst, batch.srcPort, batch.dstPort, row, came);
    return true;
  }

  /** The tuple as it left, where these visits changed it; false where it is not known. */
  writeLeft(batch: PacketBatch, row: number, words: Int32Array, at: number, flow: number): boolean {
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    if (flags & RecordFlag.packetLeftAsMapped) return this.writeMapped(batch, row, words, at, flow);
    const cpu = (words[at + Word.cpu]! >>> Shift.cpu) & 0xffff;
    const left = this.pending[cpu]?.left;
    if (left === undefined || !isOf(left, words, at)) return false;
    writeTuple(batch.srcAfter, batch.dstAfter, batch.srcPortAfter, batch.dstPortAfter, row, left);
    return true;
  }

  private writeFlows(
    batch: PacketBatch,
    row: number,
    words: Int32Array,
    at: number,
    flow: number,
  ): boolean {
    const isReply = isReplyOf(words, at);
    if (!this.isKnown(flow, isReply)) return false;
    const from = this.store.words;
    copy4(from, flow + (isReply ? Flow.srcReply : Flow.src), batch.src, row);
    copy4(from, flow + (isReply ? Flow.dstReply : Flow.dst), batch.dst, row);
    batch.srcPort[row] = from[flow + (isReply ? Flow.srcPortReply : Flow.srcPort)]!;
    batch.dstPort[row] = from[flow + (isReply ? Flow.dstPortReply : Flow.dstPort)]!;
    return true;
  }

  /** The other direction's tuple, turned round. */
  private writeMapped(
    batch: PacketBatch,
    row: number,
    words: Int32Array,
    at: number,
    flow: number,
  ): boolean {
    const isReply = isReplyOf(words, at);
    if (!this.isKnown(flow, !isReply)) return false;
    const from = this.store.words;
    copy4(from, flow + (isReply ? Flow.dst : Flow.dstReply), batch.srcAfter, row);
    copy4(from, flow + (isReply ? Flow.src : Flow.srcReply), batch.dstAfter, row);
    const srcPort = from[flow + (isReply ? Flow.srcPort : Flow.srcPortReply)]!;
    const dstPort = from[flow + (isReply ? Flow.dstPort : Flow.dstPortReply)]!;
    const protocol = batch.protocol[row];
    const isIcmp = protocol === 1 || protocol === 58; // the identifier may change, type and code not
    batch.srcPortAfter[row] = isIcmp ? srcPort : dstPort;
    batch.dstPortAfter[row] = isIcmp ? batch.dstPort[row]! : srcPort;
    return true;
  }

  private isKnown(flow: number, isReply: boolean): boolean {
    if (flow < 0) return false;
    const known = this.store.words[flow + this.store.extra + FlowExtra.known]!;
    return (known & (isReply ? Known.reply : Known.original)) !== 0;
  }
}

export function isReplyOf(words: Int32Array, at: number): boolean {
  const ctinfo = (words[at + Word.ctinfo]! >>> Shift.ctinfo) & 0xff;
  return ctinfo === 3 || ctinfo === 4;
}

/** Was this copy made right before the traversal, for the same sk_buff? */
function isOf(copy: Int32Array, words: Int32Array, at: number): boolean {
  const before = (words[at + Word.seq]! - copy[Word.seq]!) | 0;
  return (
    copy[Word.skb] === words[at + Word.skb] &&
    copy[Word.skb + 1] === words[at + Word.skb + 1] &&
    before >= 1 &&
    before <= 2
  );
}

function copy4(from: Int32Array, at: number, to: Int32Array, row: number): void {
  const word = row * 4;
  to[word] = from[at]!;
  to[word + 1] = from[at + 1]!;
  to[word + 2] = from[at + 2]!;
  to[word + 3] = from[at + 3]!;
}

function writeTuple(
  src: Int32Array,
  dst: Int32Array,
  srcPort: Uint16Array,
  dstPort: Uint16Array,
  row: number,
  record: Int32Array,
): void {
  copy4(record, Word.src, src, row);
  copy4(record, Word.dst, dst, row);
  srcPort[row] = (record[Word.srcPort]! >>> Shift.srcPort) & 0xffff;
  dstPort[row] = (record[Word.dstPort]! >>> Shift.dstPort) & 0xffff;
}

/** Until visits change it, a packet leaves as it came. */
export function copyCame(batch: PacketBatch, row: number): void {
  copy4(batch.src, row * 4, batch.srcAfter, row);
  copy4(batch.dst, row * 4, batch.dstAfter, row);
  batch.srcPortAfter[row] = batch.srcPort[row]!;
  batch.dstPortAfter[row] = batch.dstPort[row]!;
}

/** Which ends of the row differ from how the packet came. */
export function changedEnds(batch: PacketBatch, row: number): number {
  const word = row * 4;
  const dst =
    batch.dstPort[row] !== batch.dstPortAfter[row] ||
    !sameAddress(batch.dst, word, batch.dstAfter, word);
  const src =
    batch.srcPort[row] !== batch.srcPortAfter[row] ||
    !sameAddress(batch.src, word, batch.srcAfter, word);
  return (dst ? Changed.dst : 0) | (src ? Changed.src : 0);
}
