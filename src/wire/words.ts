/**
 * The record as 32-bit words, for loops that must not make objects: the word
 * of each field and, where a word is shared, the shift of the field in it.
 * Little endian, as the kernels that conntrail runs on.
 */
import { record, recordBytes } from './layout.ts';

export const recordWords = recordBytes >>> 2;

/** Word index of each field within a record. */
export const Word = {
  ktime: record.ktimeNs >>> 2,
  skb: record.skb >>> 2,
  flow: record.flow >>> 2,
  seq: record.seq >>> 2,
  netns: record.netns >>> 2,
  cpu: record.cpu >>> 2,
  kind: record.kind >>> 2,
  hook: record.hook >>> 2,
  family: record.family >>> 2,
  l4proto: record.l4proto >>> 2,
  ctinfo: record.ctinfo >>> 2,
  verdict: record.verdict >>> 2,
  status: record.status >>> 2,
  flags: record.flags >>> 2,
  mark: record.mark >>> 2,
  src: record.src >>> 2,
  counted: record.counted >>> 2,
  dst: record.dst >>> 2,
  srcPort: record.srcPort >>> 2,
  dstPort: record.dstPort >>> 2,
  started: record.traversalStartedNs >>> 2,
  visits: record.traversalVisits >>> 2, // and the three hooks in the bytes above
  at: record.traversalAt >>> 2,
  seen: record.traversalSeen >>> 2,
  len: record.traversalLen >>> 2,
  inIfindex: record.traversalInIfindex >>> 2,
  outIfindex: record.traversalOutIfindex >>> 2,
  first: record.firstNs >>> 2,
  flowZone: record.zone >>> 2,
  flowEntry: record.entry >>> 2,
  bothSrc: record.bothSrc >>> 2,
  bothDst: record.bothDst >>> 2,
  bothSrcReply: record.bothSrcReply >>> 2,
  bothDstReply: record.bothDstReply >>> 2,
  bothPortsReply: record.bothSrcPortReply >>> 2, // source, and destination in the upper half
  bothSinceFirst: record.bothSinceFirstNs >>> 2,
  bothEntry: record.bothEntry >>> 2,
  srcRule: record.srcRule >>> 2,
  parent: record.parent >>> 2,
  dstRule: record.dstRule >>> 2,
  endRemaining: record.remaining >>> 2,
  textAt: record.textAt >>> 2,
  rival: record.rival >>> 2,
  tries: record.tries >>> 2,
  error: record.error >>> 2,
  text: record.text >>> 2,
  said: record.said >>> 2,
  fill: record.fill >>> 2,
  limit: record.limit >>> 2,
  dropReason: record.reason >>> 2,
  dropLocation: record.location >>> 2,
} as const;

function shiftOf(byteOffset: number): number {
  return (byteOffset & 3) * 8;
}

/** Bits to shift a shared word right by before masking. */
export const Shift = {
  cpu: shiftOf(record.cpu),
  kind: shiftOf(record.kind),
  hook: shiftOf(record.hook),
  family: shiftOf(record.family),
  l4proto: shiftOf(record.l4proto),
  ctinfo: shiftOf(record.ctinfo),
  verdict: shiftOf(record.verdict),
  status: shiftOf(record.status),
  flags: shiftOf(record.flags),
  srcPort: shiftOf(record.srcPort),
  dstPort: shiftOf(record.dstPort),
} as const;

/** Is the unsigned 64-bit value (aHigh, aLow) less than (bHigh, bLow)? */
export function isLess(aHigh: number, aLow: number, bHigh: number, bLow: number): boolean {
  const high = aHigh >>> 0;
  const other = bHigh >>> 0;
  return high < other || (high === other && aLow >>> 0 < bLow >>> 0);
}

/** The unsigned 64-bit value at a word, exact. For printing and for tests, not for loops. */
export function bigAt(words: Int32Array, word: number): bigint {
  return (BigInt(words[word + 1]! >>> 0) << 32n) | BigInt(words[word]! >>> 0);
}
