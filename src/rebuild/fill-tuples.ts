/** Tuples from staged records: as the packets came and left, mostly their entries'. */
import { RecordFlag } from '../wire/layout.ts';
import { recordWords, Shift, Word } from '../wire/words.ts';
import { Flow, FlowExtra, Known } from './flow-columns.ts';
import type { FlowStore } from './flow-store.ts';
import type { PacketBatch } from './packet-batch.ts';
import { Noted, type Stage } from './stage.ts';

const ICMP = 1;
const ICMPV6 = 58;

/** Came with its entry's tuple of its direction. Needs `direction` filled. */
export function fillCame(stage: Stage, batch: PacketBatch, first: number, store: FlowStore): void {
  const { count, flows, noted } = stage;
  const from = store.words;
  const known = store.extra + FlowExtra.known;
  const { src, dst, srcPort, dstPort, direction } = batch;
  for (let index = 0, row = first; index < count; index++, row++) {
    if (noted[index]! & Noted.cameDone) continue;
    const flow = flows[index]!;
    const isReply = direction[row] === 1;
    const word = row * 4;
    const isKnown =
      flow >= 0 &&
      (noted[index]! & Noted.cameUnknown) === 0 &&
      (from[flow + known]! & (isReply ? Known.reply : Known.original)) !== 0;
    if (!isKnown) {
      noted[index]! |= Noted.torn | Noted.cameUnknown;
      src.fill(0, word, word + 4);
      dst.fill(0, word, word + 4);
      srcPort[row] = dstPort[row] = 0;
      continue;
    }
    const fromSrc = flow + (isReply ? Flow.srcReply : Flow.src);
    const fromDst = flow + (isReply ? Flow.dstReply : Flow.dst);
    src[word] = from[fromSrc]!;
    src[word + 1] = from[fromSrc + 1]!;
    src[word + 2] = from[fromSrc + 2]!;
    src[word + 3] = from[fromSrc + 3]!;
    dst[word] = from[fromDst]!;
    dst[word + 1] = from[fromDst + 1]!;
    dst[word + 2] = from[fromDst + 2]!;
    dst[word + 3] = from[fromDst + 3]!;
    srcPort[row] = from[flow + (isReply ? Flow.srcPortReply : Flow.srcPort)]!;
    dstPort[row] = from[flow + (isReply ? Flow.dstPortReply : Flow.dstPort)]!;
  }
}

/** Left as it came, or with the other direction's tuple turned round. Needs fillCame. */
export function fillLeft(stage: Stage, batch: PacketBatch, first: number, store: FlowStore): void {
  const { words, count, flows, noted } = stage;
  for (let index = 0, at = 0, row = first; index < count; index++, row++, at += recordWords) {
    if (noted[index]! & Noted.leftDone) continue;
    const flags = (words[at + Word.flags]! >>> Shift.flags) & 0xffff;
    if (flags & RecordFlag.packetLeftAsCame) {
      leaveAsCame(batch, row);
    } else if (
      (flags & RecordFlag.packetLeftAsMapped) === 0 ||
      !leaveAsMapped(batch, row, store, flows[index]!)
    ) {
      leaveAsCame(batch, row);
      noted[index]! |= Noted.torn | Noted.leftUnknown;
    }
  }
}

export function leaveAsCame(batch: PacketBatch, row: number): void {
  const { src, dst, srcAfter, dstAfter } = batch;
  const word = row * 4;
  srcAfter[word] = src[word]!;
  srcAfter[word + 1] = src[word + 1]!;
  srcAfter[word + 2] = src[word + 2]!;
  srcAfter[word + 3] = src[word + 3]!;
  dstAfter[word] = dst[word]!;
  dstAfter[word + 1] = dst[word + 1]!;
  dstAfter[word + 2] = dst[word + 2]!;
  dstAfter[word + 3] = dst[word + 3]!;
  batch.srcPortAfter[row] = batch.srcPort[row]!;
  batch.dstPortAfter[row] = batch.dstPort[row]!;
}

/** False where the entry's tuple is not known. */
export function leaveAsMapped(
  batch: PacketBatch,
  row: number,
  store: FlowStore,
  flow: number,
): boolean {
  const from = store.words;
  const isReply = batch.direction[row] === 1;
  if (flow < 0) return false;
  const known = from[flow + store.extra + FlowExtra.known]!;
  if ((known & (isReply ? Known.original : Known.reply)) === 0) return false;
  const fromSrc = flow + (isReply ? Flow.dst : Flow.dstReply);
  const fromDst = flow + (isReply ? Flow.src : Flow.srcReply);
  const { srcAfter, dstAfter } = batch;
  const word = row * 4;
  srcAfter[word] = from[fromSrc]!;
  srcAfter[word + 1] = from[fromSrc + 1]!;
  srcAfter[word + 2] = from[fromSrc + 2]!;
  srcAfter[word + 3] = from[fromSrc + 3]!;
  dstAfter[word] = from[fromDst]!;
  dstAfter[word + 1] = from[fromDst + 1]!;
  dstAfter[word + 2] = from[fromDst + 2]!;
  dstAfter[word + 3] = from[fromDst + 3]!;
  const srcPort = from[flow + (isReply ? Flow.srcPort : Flow.srcPortReply)]!;
  const protocol = batch.protocol[row];
  const isIcmp = protocol === ICMP || protocol === ICMPV6; // the identifier may change, no more
  batch.srcPortAfter[row] = isIcmp
    ? srcPort
    : from[flow + (isReply ? Flow.dstPort : Flow.dstPortReply)]!;
  batch.dstPortAfter[row] = isIcmp ? batch.dstPort[row]! : srcPort;
  return true;
}
