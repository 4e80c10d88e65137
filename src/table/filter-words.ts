/**
 * A filter of conntrack(8)'s options, compiled to comparisons of words: for
 * each row `(words[at + word] & mask) === value`, all of them.
 */
import { WITH_PORTS } from '../model/codes.ts';
import { EntryHas, EntryWord } from '../model/entry-row.ts';
import { refuseMasksAlone, refuseUnfit } from './entry-fit.ts';
import type { EntryWords } from './entry-options.ts';
import { statusOf } from './entry-status.ts';
import {
  exampleOf,
  familyOf,
  type LabelNames,
  labelsOf,
  markOf,
  prefixOf,
  protocolOf,
  stateOf,
  wholeOf,
  wrong,
} from './entry-values.ts';
import { type NatWish, natFilter } from './filter-nat.ts';

const ICMP: ReadonlySet<number> = new Set([1, 58]);
const GRE = 47;

export interface EntryFilter {
  /** 0: both; what is not of this family need not be listed. */
  readonly family: 0 | 4 | 6;
  /** No comparison: every entry is meant. */
  readonly isAll: boolean;
  matches(words: Int32Array, at: number): boolean;
}

class Tests {
  readonly numbers: number[] = [];
  readonly protocols: ReadonlySet<number>[] = [];
  family: 0 | 4 | 6 = 0;

  add(word: number, mask: number, value: number): void {
    this.numbers.push(word, mask, value & mask);
  }

  half(word: number, high: 0 | 1, value: number): void {
    const shift = high * 16;
    this.add(word, 0xffff << shift, value << shift);
  }

  byte(word: number, byte: number, value: number): void {
    this.add(word, 0xff << (byte * 8), value << (byte * 8));
  }

  only(family: 4 | 6, option: string, text: string): void {
    if (this.family !== 0 && this.family !== family) {
      const needed = `an address of ipv${this.family}, as another option says`;
      throw wrong(option, text, needed, exampleOf(this.family));
    }
    if (this.family === 0) this.byte(EntryWord.kind, 0, family);
    this.family = family;
  }
}

export function entryFilter(given: EntryWords, labels: LabelNames = new Map()): EntryFilter {
  refuseMasksAlone(given);
  refuseUnfit(given);
  const tests = new Tests();
  if (given.family !== undefined) tests.only(familyOf(given.family), 'family', given.family);
  const protocol = given.protonum === undefined ? undefined : protocolOf(given.protonum);
  if (protocol !== undefined) tests.byte(EntryWord.kind, 1, protocol);
  addAddresses(tests, given);
  addPorts(tests, given);
  addIcmp(tests, given);
  addZones(tests, given);
  addRest(tests, given, protocol, labels);
  const wish = natFilter(given);
  if (wish !== undefined && wish.family !== 0) {
    tests.only(wish.family, 'src-nat', given.srcNat ?? given.dstNat ?? given.anyNat ?? '');
  }
  return compiled(tests, wish);
}

function compiled(tests: Tests, nat: NatWish | undefined): EntryFilter {
  const numbers = Int32Array.from(tests.numbers);
  const { family, protocols } = tests;
  const matches = (words: Int32Array, at: number): boolean => {
    for (let index = 0; index < numbers.length; index += 3) {
      const word = words[at + numbers[index]!]!;
      if ((word & numbers[index + 1]!) !== numbers[index + 2]!) return false;
    }
    const protocol = (words[at]! >>> 8) & 0xff;
    for (const some of protocols) if (!some.has(protocol)) return false;
    return nat === undefined || nat.matches(words, at);
  };
  const isAll = numbers.length === 0 && protocols.length === 0 && nat === undefined;
  return { family, isAll, matches };
}

const ADDRESSES = [
  ['origSrc', 'orig-src', EntryWord.origSrc, 'maskSrc'],
  ['origDst', 'orig-dst', EntryWord.origDst, 'maskDst'],
  ['replySrc', 'reply-src', EntryWord.replySrc, undefined],
  ['replyDst', 'reply-dst', EntryWord.replyDst, undefined],
] as const;

function addAddresses(tests: Tests, given: EntryWords): void {
  for (const [key, option, word, maskKey] of ADDRESSES) {
    const text = given[key];
    if (text === undefined) continue;
    const prefix = prefixOf(option, text, maskKey && given[maskKey]);
    tests.only(prefix.family, option, text);
    const bytes = new Int32Array(prefix.bytes.slice().buffer);
    const mask = new Int32Array(prefix.mask.slice().buffer);
    for (let index = 0; index < 4; index++) tests.add(word + index, mask[index]!, bytes[index]!);
  }
}

const PORTS = [
  ['sport', 'sport', EntryWord.origPorts, 0],
  ['dport', 'dport', EntryWord.origPorts, 1],
  ['replySport', 'reply-port-src', EntryWord.replyPorts, 0],
  ['replyDport', 'reply-port-dst', EntryWord.replyPorts, 1],
] as const;
const KEYS = [
  ['srckey', 'srckey', EntryWord.origPorts, 0],
  ['dstkey', 'dstkey', EntryWord.origPorts, 1],
  ['replySrckey', 'reply-key-src', EntryWord.replyPorts, 0],
  ['replyDstkey', 'reply-key-dst', EntryWord.replyPorts, 1],
] as const;

function addPorts(tests: Tests, given: EntryWords): void {
  for (const [key, option, word, high] of PORTS) {
    const text = given[key];
    if (text === undefined) continue;
    tests.half(word, high, wholeOf(option, text, 65535));
    tests.protocols.push(WITH_PORTS);
  }
  for (const [key, option, word, high] of KEYS) {
    const text = given[key];
    if (text === undefined) continue;
    tests.half(word, high, wholeOf(option, text, 65535));
    tests.byte(EntryWord.kind, 1, GRE);
  }
}

function addIcmp(tests: Tests, given: EntryWords): void {
  const { icmpType, icmpCode, icmpId } = given;
  if (icmpType !== undefined) {
    tests.byte(EntryWord.origPorts, 3, wholeOf('icmp-type', icmpType, 255));
  }
  if (icmpCode !== undefined) {
    tests.byte(EntryWord.origPorts, 2, wholeOf('icmp-code', icmpCode, 255));
  }
  if (icmpId !== undefined) tests.half(EntryWord.origPorts, 0, wholeOf('icmp-id', icmpId, 65535));
  if ((icmpType ?? icmpCode ?? icmpId) !== undefined) tests.protocols.push(ICMP);
}

/** An entry without a zone has 0. */
function addZones(tests: Tests, { zone, origZone, replyZone }: EntryWords): void {
  if (zone !== undefined) tests.half(EntryWord.zones, 0, wholeOf('zone', zone, 65535));
  if (origZone !== undefined) {
    tests.half(EntryWord.zones, 1, wholeOf('orig-zone', origZone, 65535));
  }
  if (replyZone !== undefined) {
    tests.half(EntryWord.zoneReply, 0, wholeOf('reply-zone', replyZone, 65535));
  }
}

function addRest(
  tests: Tests,
  { state, status, mark, label }: EntryWords,
  protocol: number | undefined,
  names: LabelNames,
): void {
  if (state !== undefined) {
    const of = protocol ?? 6;
    if (protocol === undefined) tests.byte(EntryWord.kind, 1, of);
    tests.byte(EntryWord.kind, 2, stateOf(state, of));
  }
  if (status !== undefined) {
    const { set, clear } = statusOf(status);
    tests.add(EntryWord.status, set | clear, set);
  }
  if (mark !== undefined) {
    const { value, mask = -1 } = markOf(mark);
    if ((value & ~mask) !== 0) throw wrong('mark', mark, 'a value within its mask', '0x10/0xf0');
    tests.add(EntryWord.mark, mask, value);
  }
  if (label !== undefined) {
    labelsOf('label', label, names).forEach((bits, index) => {
      tests.add(EntryWord.labels + index, bits, bits);
    });
    tests.add(EntryWord.has, EntryHas.labels, EntryHas.labels);
  }
}
