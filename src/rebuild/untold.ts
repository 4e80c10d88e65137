/** What no record told of a flow whose row is finished: it was lost. */
import { Confirm, Mapping, Status } from '../model/codes.ts';
import { Flow as Col, Known } from './flow-columns.ts';

const TOLD = Known.original | Known.reply | Known.told;

/** Was all of it told? What is known to be missing is marked in its row. */
export function isAllTold(words: Int32Array, row: number, known: number): boolean {
  const isLost = markUnknown(words, row);
  return (known & TOLD) === TOLD && !isLost;
}

/** What the entry's status shows was done, though no record told of it: those were lost. */
function markUnknown(words: Int32Array, row: number): boolean {
  const confirm = isUntold(words, row, Status.confirmed, Col.confirm);
  const src = isUntold(words, row, Status.srcNatDone, Col.srcNat);
  const dst = isUntold(words, row, Status.dstNatDone, Col.dstNat);
  if (confirm) words[row + Col.confirm] = Confirm.unknown;
  if (src) words[row + Col.srcNat] = Mapping.unknown;
  if (dst) words[row + Col.dstNat] = Mapping.unknown;
  return confirm || src || dst;
}

function isUntold(words: Int32Array, row: number, done: number, column: number): boolean {
  return (words[row + Col.status]! & done) !== 0 && words[row + column] === 0;
}
