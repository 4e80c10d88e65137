/** What NAT makes of a packet, by its entry's tuples: the other direction's, turned round. */
import { Flow, FlowExtra, Known } from './flow-columns.ts';
import type { FlowStore } from './flow-store.ts';
import type { PacketBatch } from './packet-batch.ts';
import { copyAddress, sameAddress } from './row-words.ts';
import { Changed } from './tuples.ts';

const ICMP = 1;
const ICMPV6 = 58;

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
  copyAddress(from, flow + (isReply ? Flow.dst : Flow.dstReply), batch.srcAfter, row * 4);
  copyAddress(from, flow + (isReply ? Flow.src : Flow.srcReply), batch.dstAfter, row * 4);
  const srcPort = from[flow + (isReply ? Flow.srcPort : Flow.srcPortReply)]!;
  const isIcmp = isIdentified(batch.protocol[row]!);
  batch.srcPortAfter[row] = isIcmp
    ? srcPort
    : from[flow + (isReply ? Flow.dstPort : Flow.dstPortReply)]!;
  batch.dstPortAfter[row] = isIcmp ? batch.dstPort[row]! : srcPort;
  return true;
}

/** Its src_port is an identifier, which may change; its dst_port is type and code, which do not. */
function isIdentified(protocol: number): boolean {
  return protocol === ICMP || protocol === ICMPV6;
}

/** Which ends NAT changes, by direction: Changed, of replies two bits further up. */
export function mappingOf(words: Int32Array, flow: number): number {
  const src =
    !sameAddress(words, flow + Flow.src, words, flow + Flow.dstReply) ||
    words[flow + Flow.srcPort] !== words[flow + portOf(words, flow)];
  const dst =
    !sameAddress(words, flow + Flow.dst, words, flow + Flow.srcReply) ||
    (!isIdentified(words[flow + Flow.protocol]!) &&
      words[flow + Flow.dstPort] !== words[flow + Flow.srcPortReply]);
  return endsOf(src, dst) | (repliesOf(words, flow, src, dst) << 2);
}

/** Where the reply tuple has what the source port becomes. */
function portOf(words: Int32Array, flow: number): number {
  return isIdentified(words[flow + Flow.protocol]!) ? Flow.srcPortReply : Flow.dstPortReply;
}

/** Replies are changed at the other end; but an identifier is always looked at as the source's. */
function repliesOf(words: Int32Array, flow: number, src: boolean, dst: boolean): number {
  if (!isIdentified(words[flow + Flow.protocol]!)) return endsOf(dst, src);
  const isRenamed = words[flow + Flow.srcPort] !== words[flow + Flow.srcPortReply];
  const isMoved = !sameAddress(words, flow + Flow.src, words, flow + Flow.dstReply);
  return endsOf(dst || isRenamed, isMoved);
}

function endsOf(src: boolean, dst: boolean): number {
  return (src ? Changed.src : 0) | (dst ? Changed.dst : 0);
}
