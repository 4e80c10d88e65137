/** Rows to be asked for, made and changed, out of conntrack(8)'s options. */

import { hasPorts } from '../model/codes.ts';
import { ENTRY_WORDS, EntryHas, EntryWord } from '../model/entry-row.ts';
import { TraceError } from '../model/error.ts';
import type { EntryWords } from './entry-options.ts';
import { statusOf } from './entry-status.ts';
import {
  GET_EXAMPLE,
  INSERT_EXAMPLE,
  invertedTuple,
  isIcmp,
  type NamedTuple,
  tupleOf,
  writeTuple,
} from './entry-tuple.ts';
import {
  ENTRY_STATES,
  endOf,
  exampleOf,
  type LabelNames,
  labelsOf,
  markOf,
  stateOf,
  wholeOf,
  wrong,
} from './entry-values.ts';

const LARGEST = 0xffff_ffff;
const HELPER_BYTES = 15;

/** A row that names one entry: by its original tuple, or by its reply tuple alone. */
export function namedRow(given: EntryWords): Int32Array {
  const row = new Int32Array(ENTRY_WORDS);
  const isOrig = given.origSrc !== undefined || given.origDst !== undefined;
  const direction = isOrig || given.replySrc === undefined ? 0 : 1;
  writeTuple(row, 0, tupleOf(given, direction, GET_EXAMPLE), direction);
  writeZones(row, given);
  return row;
}

/** An entry to be made. A reply tuple that is not the inverted original one is NAT. */
export function newRow(given: EntryWords, labels: LabelNames = new Map()): Int32Array {
  const row = new Int32Array(ENTRY_WORDS);
  const original = tupleOf(given, 0, INSERT_EXAMPLE);
  const plain = invertedTuple(original);
  const reply = replyOf(given, plain);
  writeTuple(row, 0, original, 0);
  writeTuple(row, 0, reply, 1);
  row[EntryWord.has]! |= manips(plain, reply, given);
  writeZones(row, given);
  if (given.timeout === undefined) throw lacking('--timeout', 'seconds until it ends');
  writeTimeout(row, given.timeout);
  writeState(row, original, given);
  row[EntryWord.status] = given.status === undefined ? 0 : statusOf(given.status).set;
  row[EntryWord.has]! |= EntryHas.status;
  if (given.mark !== undefined) {
    row[EntryWord.mark] = markOf(given.mark).value;
    row[EntryWord.has]! |= EntryHas.mark;
  }
  if (given.labelAdd !== undefined) {
    row.set(labelsOf('label-add', given.labelAdd, labels), EntryWord.labels);
    row[EntryWord.has]! |= EntryHas.labels;
  }
  if (given.helper !== undefined) writeHelper(row, given.helper);
  return row;
}

function lacking(option: string, what: string): TraceError {
  return new TraceError('usage', `found no ${option}, needed ${what}`, { hint: STATEFUL_EXAMPLE });
}

const STATEFUL_EXAMPLE = `${INSERT_EXAMPLE.replace('udp', 'tcp')} --state ESTABLISHED`;

function manips(plain: NamedTuple, reply: NamedTuple, given: EntryWords): number {
  const isSame = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0;
  const icmp = isIcmp(plain.protocol);
  const isSrc =
    given.srcNat !== undefined ||
    !isSame(plain.dst.bytes, reply.dst.bytes) ||
    (icmp ? plain.srcPort !== reply.srcPort : plain.dstPort !== reply.dstPort);
  const isDst =
    given.dstNat !== undefined ||
    !isSame(plain.src.bytes, reply.src.bytes) ||
    (!icmp && plain.srcPort !== reply.srcPort);
  return (isSrc ? EntryHas.srcNat : 0) | (isDst ? EntryHas.dstNat : 0);
}

/** `plain` is what it is without NAT; options of the reply tuple and of NAT change it. */
function replyOf(given: EntryWords, plain: NamedTuple): NamedTuple {
  const gre = plain.protocol === 47;
  const ported = hasPorts(plain.protocol);
  const full = {
    protonum: given.protonum ?? '',
    replySrc: given.replySrc ?? addressWords(given.origDst),
    replyDst: given.replyDst ?? addressWords(given.origSrc),
    ...(ported ? { replySport: given.replySport ?? String(plain.srcPort) } : {}),
    ...(ported ? { replyDport: given.replyDport ?? String(plain.dstPort) } : {}),
    ...(gre ? { replySrckey: given.replySrckey ?? String(plain.srcPort) } : {}),
    ...(gre ? { replyDstkey: given.replyDstkey ?? String(plain.dstPort) } : {}),
    ...pick(given, ['icmpType', 'icmpCode', 'icmpId']),
  };
  const reply = tupleOf(full, 1, INSERT_EXAMPLE);
  const src = given.dstNat ? endOf('dst-nat', given.dstNat) : undefined;
  const dst = given.srcNat ? endOf('src-nat', given.srcNat) : undefined;
  for (const [option, end, text] of [
    ['dst-nat', src, given.dstNat],
    ['src-nat', dst, given.srcNat],
  ] as const) {
    if (end !== undefined && end.family !== plain.family) {
      throw wrong(option, text ?? '', `an address of ipv${plain.family}`, exampleOf(plain.family));
    }
  }
  return {
    ...reply,
    src: src ?? reply.src,
    dst: dst ?? reply.dst,
    srcPort: src?.port ?? reply.srcPort,
    dstPort: dst?.port ?? reply.dstPort,
  };
}

function addressWords(text: string | undefined): string {
  return text ?? '';
}

function pick<Key extends keyof EntryWords>(given: EntryWords, keys: readonly Key[]): EntryWords {
  return Object.fromEntries(
    keys.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])),
  );
}

function writeZones(row: Int32Array, { zone, origZone, replyZone }: EntryWords): void {
  if (zone !== undefined) {
    row[EntryWord.zones]! |= wholeOf('zone', zone, 65535);
    row[EntryWord.has]! |= EntryHas.zone;
  }
  if (origZone !== undefined) {
    row[EntryWord.zones]! |= wholeOf('orig-zone', origZone, 65535) << 16;
    row[EntryWord.has]! |= EntryHas.zoneOrig;
  }
  if (replyZone !== undefined) {
    row[EntryWord.zoneReply]! |= wholeOf('reply-zone', replyZone, 65535);
    row[EntryWord.has]! |= EntryHas.zoneReply;
  }
}

export function writeTimeout(row: Int32Array, text: string): void {
  row[EntryWord.timeoutS] = wholeOf('timeout', text, LARGEST);
  row[EntryWord.has]! |= EntryHas.timeout;
}

function writeState(row: Int32Array, tuple: NamedTuple, given: EntryWords): void {
  const { protocol, srcPort, dstPort } = tuple;
  const { state, origVtag, replyVtag, role } = given;
  if (state === undefined) {
    // a kernel without the tracker of SCTP keeps neither ports nor state
    if (protocol === 6 || (protocol === 132 && (srcPort | dstPort) !== 0)) {
      throw lacking('--state', `one of ${ENTRY_STATES[protocol]!.join(', ')}`);
    }
    return;
  }
  row[EntryWord.kind]! |= stateOf(state, protocol) << 16;
  row[EntryWord.has]! |= EntryHas.state;
  if (origVtag !== undefined) row[EntryWord.vtags] = wholeOf('orig-vtag', origVtag, LARGEST);
  if (replyVtag !== undefined) {
    row[EntryWord.vtags + 1] = wholeOf('reply-vtag', replyVtag, LARGEST);
  }
  if (role !== undefined) row[EntryWord.zoneReply]! |= roleOf(role) << 16;
}

function roleOf(text: string): number {
  const role = ['client', 'server'].indexOf(text.toLowerCase());
  if (role < 0) throw wrong('role', text, 'client or server', 'client');
  return role;
}

export function writeHelper(row: Int32Array, name: string): void {
  const bytes = Buffer.from(name);
  if (bytes.length > HELPER_BYTES) {
    throw wrong('helper', name, `a name of up to ${HELPER_BYTES} bytes`, 'ftp');
  }
  new Uint8Array(row.buffer, row.byteOffset + EntryWord.helper * 4, 16).set(bytes);
  row[EntryWord.has]! |= EntryHas.helper;
}
