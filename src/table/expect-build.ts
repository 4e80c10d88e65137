/** Rows of expectations to be asked for and made, out of conntrack(8)'s options. */
import { hasPorts } from '../model/codes.ts';
import { ENTRY_WORDS, EntryWord } from '../model/entry-row.ts';
import { TraceError } from '../model/error.ts';
import {
  addressesWord,
  ExpectHas,
  ExpectTuple,
  ExpectWord,
  portsBit,
  portsWord,
  tupleBit,
} from '../model/expect-row.ts';
import type { EntryWords } from './entry-options.ts';
import { type NamedTuple, tupleOf } from './entry-tuple.ts';
import { type PrefixText, prefixOf, wholeOf, wrong } from './entry-values.ts';
import type { ExpectWords } from './expect-options.ts';

const LARGEST = 0xffff_ffff;
const ALL_PORT = 0xffff;

const GET_EXAMPLE =
  'conntrail table get expect -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 20 --dport 51210';
const INSERT_HELP = 'conntrail table insert --help';

/** A row that names one expectation, by a flow that it expects. */
export function namedExpectation(given: EntryWords): Int32Array {
  const row = new Int32Array(ENTRY_WORDS);
  writeNamed(row, ExpectTuple.expected, tupleOf(given, 0, GET_EXAMPLE));
  writeZone(row, given);
  return row;
}

/** An expectation to be made: of the entry that the options of entries name. */
export function newExpectation(given: EntryWords & ExpectWords): Int32Array {
  const row = new Int32Array(ENTRY_WORDS);
  const master = tupleOf(given, 0, INSERT_HELP);
  const { family, protocol } = master;
  writeNamed(row, ExpectTuple.master, master);
  const src = prefixOf('tuple-src', need(given.tupleSrc, '--tuple-src'), given.maskSrc);
  const dst = wholeDst(given);
  for (const [option, text, end] of [
    ['tuple-src', given.tupleSrc, src],
    ['tuple-dst', given.tupleDst, dst],
  ] as const) {
    if (end.family === family) continue;
    throw wrong(option, text ?? '', `an address of ipv${family}, as the master has`);
  }
  writeAddresses(row, ExpectTuple.expected, src.bytes, dst.bytes);
  writeAddresses(row, ExpectTuple.mask, src.mask, dst.mask);
  if (hasPorts(protocol)) writeExpectedPorts(row, given);
  writeZone(row, given);
  row[ExpectWord.timeoutS] = wholeOf('timeout', need(given.timeout, '--timeout'), LARGEST);
  row[ExpectWord.has]! |= ExpectHas.timeout;
  return row;
}

function need<T>(value: T | undefined, option: string): T {
  if (value !== undefined) return value;
  throw new TraceError('usage', `found no ${option}, needed to make an expectation`, {
    hint: INSERT_HELP,
  });
}

const SOURCE_ALONE = ': the kernel keeps masks of the source alone';

function wholeDst({ tupleDst, maskDst }: ExpectWords): PrefixText {
  const dst = prefixOf('tuple-dst', need(tupleDst, '--tuple-dst'), maskDst);
  if (dst.mask.every((byte) => byte === 0xff)) return dst;
  throw wrong('mask-dst', maskDst ?? tupleDst ?? '', `all bits${SOURCE_ALONE}`);
}

function writeExpectedPorts(row: Int32Array, given: ExpectWords): void {
  const { tuplePortSrc, tuplePortDst, maskPortSrc, maskPortDst } = given;
  const dst = wholeOf('tuple-port-dst', need(tuplePortDst, '--tuple-port-dst'), ALL_PORT);
  const src = wholeOf('tuple-port-src', tuplePortSrc ?? '0', ALL_PORT);
  const all = tuplePortSrc === undefined ? '0' : String(ALL_PORT);
  const mask = wholeOf('mask-port-src', maskPortSrc ?? all, ALL_PORT);
  if (maskPortDst !== undefined && wholeOf('mask-port-dst', maskPortDst, ALL_PORT) !== ALL_PORT) {
    throw wrong('mask-port-dst', maskPortDst, `${ALL_PORT}${SOURCE_ALONE}`);
  }
  writePorts(row, ExpectTuple.expected, src, dst);
  writePorts(row, ExpectTuple.mask, mask, ALL_PORT);
}

/** A tuple in the words of an entry's original one. */
function writeNamed(row: Int32Array, tuple: ExpectTuple, named: NamedTuple): void {
  row[EntryWord.kind] = named.family | (named.protocol << 8);
  writeAddresses(row, tuple, named.src.bytes, named.dst.bytes);
  writePorts(row, tuple, named.srcPort, named.dstPort);
}

function writeAddresses(
  row: Int32Array,
  tuple: ExpectTuple,
  src: Uint8Array,
  dst: Uint8Array,
): void {
  const bytes = new Uint8Array(row.buffer, row.byteOffset, row.byteLength);
  bytes.set(src, addressesWord(tuple) * 4);
  bytes.set(dst, addressesWord(tuple) * 4 + 16);
  row[ExpectWord.has]! |= tupleBit(tuple);
}

function writePorts(row: Int32Array, tuple: ExpectTuple, src: number, dst: number): void {
  row[portsWord(tuple)] = src | (dst << 16);
  row[ExpectWord.has]! |= portsBit(tuple);
}

function writeZone(row: Int32Array, { zone }: EntryWords): void {
  if (zone === undefined) return;
  row[ExpectWord.zone] = wholeOf('zone', zone, ALL_PORT);
  row[ExpectWord.has]! |= ExpectHas.zone;
}
