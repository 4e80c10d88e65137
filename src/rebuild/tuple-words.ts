/** A record's tuple, copied and compared as words. */
import { Shift, Word } from '../wire/words.ts';
import { Packet as Col } from './packet-columns.ts';
import { copyAddress, sameAddress } from './row-words.ts';

/** A record, or a copy of one: its words and where it begins. */
export interface TupleWords {
  readonly words: Int32Array;
  readonly at: number;
}

export const AFTER = {
  src: Col.srcAfter,
  dst: Col.dstAfter,
  srcPort: Col.srcPortAfter,
  dstPort: Col.dstPortAfter,
} as const;

export type TupleColumns = Readonly<Record<'src' | 'dst' | 'srcPort' | 'dstPort', number>>;

export function copyTuple(
  from: TupleWords,
  to: Int32Array,
  row: number,
  columns: TupleColumns,
): void {
  const { words, at } = from;
  copyAddress(words, at + Word.src, to, row + columns.src);
  copyAddress(words, at + Word.dst, to, row + columns.dst);
  to[row + columns.srcPort] = (words[at + Word.srcPort]! >>> Shift.srcPort) & 0xffff;
  to[row + columns.dstPort] = (words[at + Word.dstPort]! >>> Shift.dstPort) & 0xffff;
}

/** Are address and port of one end the same in both? */
export function sameEnd(a: TupleWords, words: Int32Array, at: number, end: 'src' | 'dst'): boolean {
  const address = end === 'src' ? Word.src : Word.dst;
  const port = end === 'src' ? Word.srcPort : Word.dstPort;
  const shift = end === 'src' ? Shift.srcPort : Shift.dstPort;
  const ours = (a.words[a.at + port]! >>> shift) & 0xffff;
  const theirs = (words[at + port]! >>> shift) & 0xffff;
  return ours === theirs && sameAddress(a.words, a.at + address, words, at + address);
}

/** Is the record's tuple the one that the packet in the row left its last visit with? */
export function sameAsAfter(words: Int32Array, at: number, rows: Int32Array, row: number): boolean {
  return (
    ((words[at + Word.l4proto]! >>> Shift.l4proto) & 0xff) === rows[row + Col.protocol] &&
    ((words[at + Word.srcPort]! >>> Shift.srcPort) & 0xffff) === rows[row + Col.srcPortAfter] &&
    ((words[at + Word.dstPort]! >>> Shift.dstPort) & 0xffff) === rows[row + Col.dstPortAfter] &&
    sameAddress(words, at + Word.src, rows, row + Col.srcAfter) &&
    sameAddress(words, at + Word.dst, rows, row + Col.dstAfter)
  );
}
