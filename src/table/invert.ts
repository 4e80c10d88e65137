/** What the replies of a tuple look like where no NAT changes them (nf_ct_invert_tuple). */
import type { EntryTuple } from '../model/entry.ts';

/** Types of ICMP that ask, and those that answer (nf_conntrack_proto_icmp.c). */
const ICMP_ANSWERS: readonly (readonly [number, number])[] = [
  [8, 0],
  [13, 14],
  [15, 16],
  [17, 18],
];
/** The same of ICMPv6: echo, node information. */
const ICMPV6_ANSWERS: readonly (readonly [number, number])[] = [
  [128, 129],
  [139, 140],
];

/** ICMP keeps its identifier and code, and has the type that answers; others change ends. */
export function inverted(protocol: number, tuple: EntryTuple): EntryTuple {
  const { src, dst, srcPort, dstPort } = tuple;
  if (protocol !== 1 && protocol !== 58) {
    return { src: dst, dst: src, srcPort: dstPort, dstPort: srcPort };
  }
  const type = dstPort >> 8;
  const answers = protocol === 1 ? ICMP_ANSWERS : ICMPV6_ANSWERS;
  const pair = answers.find((one) => one.includes(type));
  const other = pair === undefined ? type : pair[0] === type ? pair[1] : pair[0];
  return { src: dst, dst: src, srcPort, dstPort: other * 256 + (dstPort & 255) };
}
