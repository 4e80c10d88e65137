/** Tuples of a record about an entry, and of a row of `flows`. */
import { RecordFlag } from '../wire/layout.ts';
import { Shift, Word } from '../wire/words.ts';
import { Known, type TupleWords } from './flow-columns.ts';
import { copyAddress, sameAddress } from './row-words.ts';

export const BOTH = Known.original | Known.reply;

/** The tuples that a RECORD_FLOW has. */
export function knownBy(flags: number): number {
  if (flags & RecordFlag.flowBoth) return BOTH;
  return flags & RecordFlag.flowReply ? Known.reply : Known.original;
}

export function hasTuple(
  words: Int32Array,
  at: number,
  flows: Int32Array,
  row: number,
  tuple: TupleWords,
): boolean {
  return (
    sameAddress(words, at + Word.src, flows, row + tuple.src) &&
    sameAddress(words, at + Word.dst, flows, row + tuple.dst) &&
    ((words[at + Word.srcPort]! >>> Shift.srcPort) & 0xffff) === flows[row + tuple.srcPort] &&
    ((words[at + Word.dstPort]! >>> Shift.dstPort) & 0xffff) === flows[row + tuple.dstPort]
  );
}

export function copyTuple(
  words: Int32Array,
  at: number,
  flows: Int32Array,
  row: number,
  tuple: TupleWords,
): void {
  copyAddress(words, at + Word.src, flows, row + tuple.src);
  copyAddress(words, at + Word.dst, flows, row + tuple.dst);
  flows[row + tuple.srcPort] = (words[at + Word.srcPort]! >>> Shift.srcPort) & 0xffff;
  flows[row + tuple.dstPort] = (words[at + Word.dstPort]! >>> Shift.dstPort) & 0xffff;
}
