/** Records that have both tuples of an IPv4 entry (FLOW_BOTH in bpf/record.h), and rows of `flows`. */
import { Shift, Word } from '../wire/words.ts';
import { Flow as Col } from './flow-columns.ts';
import { copyPair } from './row-words.ts';

/** Third word of an IPv4-mapped address (RFC 4291, 2.5.5.2). */
const MAPPED = 0xffff_0000 | 0;

/** Does the row have these two tuples? */
export function hasBoth(words: Int32Array, at: number, flows: Int32Array, row: number): boolean {
  const ports = words[at + Word.bothPortsReply]!;
  return (
    hasAddress(flows, row + Col.src, words[at + Word.bothSrc]!) &&
    hasAddress(flows, row + Col.dst, words[at + Word.bothDst]!) &&
    hasAddress(flows, row + Col.srcReply, words[at + Word.bothSrcReply]!) &&
    hasAddress(flows, row + Col.dstReply, words[at + Word.bothDstReply]!) &&
    ((words[at + Word.srcPort]! >>> Shift.srcPort) & 0xffff) === flows[row + Col.srcPort] &&
    ((words[at + Word.dstPort]! >>> Shift.dstPort) & 0xffff) === flows[row + Col.dstPort] &&
    (ports & 0xffff) === flows[row + Col.srcPortReply] &&
    ports >>> 16 === flows[row + Col.dstPortReply]
  );
}

/** The two tuples, when the flow was seen first, and where its entry is. */
export function copyBoth(words: Int32Array, at: number, flows: Int32Array, row: number): void {
  const ports = words[at + Word.bothPortsReply]!;
  putAddress(flows, row + Col.src, words[at + Word.bothSrc]!);
  putAddress(flows, row + Col.dst, words[at + Word.bothDst]!);
  putAddress(flows, row + Col.srcReply, words[at + Word.bothSrcReply]!);
  putAddress(flows, row + Col.dstReply, words[at + Word.bothDstReply]!);
  flows[row + Col.srcPort] = (words[at + Word.srcPort]! >>> Shift.srcPort) & 0xffff;
  flows[row + Col.dstPort] = (words[at + Word.dstPort]! >>> Shift.dstPort) & 0xffff;
  flows[row + Col.srcPortReply] = ports & 0xffff;
  flows[row + Col.dstPortReply] = ports >>> 16;
  copyPair(words, at + Word.bothEntry, flows, row + Col.entry);
  const low = (words[at + Word.ktime]! >>> 0) - (words[at + Word.bothSinceFirst]! >>> 0);
  const high = words[at + Word.ktime + 1]! - (low < 0 ? 1 : 0);
  flows[row + Col.firstKtime] = low | 0;
  flows[row + Col.firstKtime + 1] = high;
  copyPair(flows, row + Col.firstKtime, flows, row + Col.firstAt);
}

function hasAddress(flows: Int32Array, word: number, ipv4: number): boolean {
  return flows[word + 3] === ipv4 && flows[word + 2] === MAPPED;
}

function putAddress(flows: Int32Array, word: number, ipv4: number): void {
  flows[word] = 0;
  flows[word + 1] = 0;
  flows[word + 2] = MAPPED;
  flows[word + 3] = ipv4;
}
