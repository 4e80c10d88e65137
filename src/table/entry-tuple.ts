/** Tuples out of options, into the words of a row. */

import { hasPorts } from '../model/codes.ts';
import { EntryHas, EntryWord } from '../model/entry-row.ts';
import { TraceError } from '../model/error.ts';
import { refuseUnfit } from './entry-fit.ts';
import type { EntryWords } from './entry-options.ts';
import {
  type AddressText,
  addressOf,
  exampleOf,
  familyOf,
  protocolOf,
  wholeOf,
  wrong,
} from './entry-values.ts';

const DCCP = 33;
const ICMP: ReadonlySet<number> = new Set([1, 58]);
const GRE = 47;
/** Of a query the answer (ip_ct_icmp and nf_conntrack_proto_icmpv6 of the kernel). */
const ICMP_ANSWERS: ReadonlyMap<number, number> = new Map([
  ...[
    [8, 0],
    [13, 14],
    [15, 16],
    [17, 18],
    [128, 129],
    [139, 140],
  ].flatMap(([one = 0, other = 0]) => [[one, other] as const, [other, one] as const]),
]);

export interface Tuple {
  readonly src: AddressText;
  readonly dst: AddressText;
  readonly srcPort: number;
  readonly dstPort: number;
}

export interface NamedTuple extends Tuple {
  readonly family: 4 | 6;
  readonly protocol: number;
}

/** Throws for what is not there, with a hint at a command that has it. */
type Need = <T>(value: T | undefined, options: string) => T;

const needFor =
  (example: string): Need =>
  (value, options) => {
    if (value !== undefined) return value;
    throw new TraceError('usage', `found no ${options}, needed to name an entry`, {
      hint: example,
    });
  };

const NAMED = '-p udp -s 10.0.0.2 -d 10.0.0.1 --sport 53000 --dport 53';
export const GET_EXAMPLE = `conntrail table get ${NAMED}`;
export const INSERT_EXAMPLE = `conntrail table insert ${NAMED} -t 120`;

/** Of the original direction where it is given, of the reply otherwise. */
export function tupleOf(given: EntryWords, direction: 0 | 1, example: string): NamedTuple {
  refuseUnfit(given);
  const need = needFor(example);
  const protocol = protocolOf(need(given.protonum, '--protonum'));
  const isOrig = direction === 0;
  const [srcText, dstText] = isOrig
    ? [need(given.origSrc, '--orig-src'), need(given.origDst, '--orig-dst')]
    : [need(given.replySrc, '--reply-src'), need(given.replyDst, '--reply-dst')];
  const src = addressOf(isOrig ? 'orig-src' : 'reply-src', srcText);
  const dst = addressOf(isOrig ? 'orig-dst' : 'reply-dst', dstText);
  if (src.family !== dst.family) {
    const option = isOrig ? 'orig-dst' : 'reply-dst';
    throw wrong(option, dstText, 'an address of the same family', exampleOf(src.family));
  }
  if (given.family !== undefined && familyOf(given.family) !== src.family) {
    const own = `ipv${src.family}`;
    throw wrong('family', given.family, `${own}, as the addresses are`, own);
  }
  return { family: src.family, protocol, src, dst, ...portsOf(given, protocol, direction, need) };
}

function portsOf(given: EntryWords, protocol: number, direction: 0 | 1, need: Need) {
  if (ICMP.has(protocol)) return icmpPorts(given, direction, need);
  if (protocol === GRE) {
    const [src = '0', dst = '0'] =
      direction === 0 ? [given.srckey, given.dstkey] : [given.replySrckey, given.replyDstkey];
    const [srcKey, dstKey] = KEYS[direction];
    return { srcPort: wholeOf(srcKey, src, 65535), dstPort: wholeOf(dstKey, dst, 65535) };
  }
  if (!hasPorts(protocol)) return { srcPort: 0, dstPort: 0 };
  const [src, dst] =
    direction === 0 ? [given.sport, given.dport] : [given.replySport, given.replyDport];
  // as `-o save` has it, of a kernel that keeps none
  if (protocol === DCCP && src === undefined && dst === undefined)
    return { srcPort: 0, dstPort: 0 };
  const [srcName, dstName] = PORTS[direction];
  return {
    srcPort: wholeOf(srcName, need(src, `--${srcName}`), 65535),
    dstPort: wholeOf(dstName, need(dst, `--${dstName}`), 65535),
  };
}

/** Options by direction. */
const PORTS = [
  ['sport', 'dport'],
  ['reply-port-src', 'reply-port-dst'],
] as const;
const KEYS = [
  ['srckey', 'dstkey'],
  ['reply-key-src', 'reply-key-dst'],
] as const;

function icmpPorts(given: EntryWords, direction: 0 | 1, need: Need) {
  const { icmpType, icmpCode = '0', icmpId = '0' } = given;
  const type = wholeOf('icmp-type', need(icmpType, '--icmp-type'), 255);
  const answer = ICMP_ANSWERS.get(type) ?? type;
  return {
    srcPort: wholeOf('icmp-id', icmpId, 65535),
    dstPort: (direction === 0 ? type : answer) * 256 + wholeOf('icmp-code', icmpCode, 255),
  };
}

/** What answers would have, were there no NAT. */
export function invertedTuple(tuple: NamedTuple): NamedTuple {
  const { protocol, src, dst, srcPort, dstPort } = tuple;
  if (!ICMP.has(protocol)) {
    return { ...tuple, src: dst, dst: src, srcPort: dstPort, dstPort: srcPort };
  }
  const type = dstPort >>> 8;
  const answer = (ICMP_ANSWERS.get(type) ?? type) * 256 + (dstPort & 0xff);
  return { ...tuple, src: dst, dst: src, dstPort: answer };
}

export function isIcmp(protocol: number): boolean {
  return ICMP.has(protocol);
}

export function writeTuple(
  words: Int32Array,
  at: number,
  tuple: NamedTuple,
  direction: 0 | 1,
): void {
  const [src, dst, ports] =
    direction === 0
      ? [EntryWord.origSrc, EntryWord.origDst, EntryWord.origPorts]
      : [EntryWord.replySrc, EntryWord.replyDst, EntryWord.replyPorts];
  words[at] = (words[at]! & ~0xffff) | tuple.family | (tuple.protocol << 8);
  words.set(new Int32Array(tuple.src.bytes.slice().buffer), at + src);
  words.set(new Int32Array(tuple.dst.bytes.slice().buffer), at + dst);
  words[at + ports] = tuple.srcPort | (tuple.dstPort << 16);
  words[at + EntryWord.has]! |=
    direction === 0 ? EntryHas.orig | EntryHas.origPorts : EntryHas.reply | EntryHas.replyPorts;
}
