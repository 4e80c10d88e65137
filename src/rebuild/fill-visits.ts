/** Times at each hook from staged records. */
import { recordWords, Word } from '../wire/words.ts';
import { type PacketBatch, Present } from './packet-batch.ts';
import type { Stage } from './stage.ts';

/** Needs `startedAt` filled. */
export function fillVisits(stage: Stage, batch: PacketBatch, first: number): void {
  const { words, count } = stage;
  for (const at of batch.hookAt) at.fill(0, first * 2, (first + count) * 2);
  for (const ns of batch.hookNs) ns.fill(0, first, first + count);
  for (let at = 0, row = first; row < first + count; row++, at += recordWords) {
    writeVisits(batch, row, words, at, row);
  }
}

/**
 * The visits of one record into a row. `startRow`: the row whose `startedAt`
 * the record's times count from.
 */
export function writeVisits(
  batch: PacketBatch,
  row: number,
  words: Int32Array,
  at: number,
  startRow: number,
): void {
  const { hookAt, hookNs, present, startedAt } = batch;
  const packed = words[at + Word.visits]!;
  const visits = packed & 0xff;
  const startLow = startedAt[startRow * 2]! >>> 0;
  const startHigh = startedAt[startRow * 2 + 1]!;
  let bits = 0;
  let entered = 0;
  for (let visit = 0, word = at + Word.at; visit < visits; visit++, word += 2) {
    const hook = (packed >>> (8 + visit * 8)) & 0xff;
    if (visit > 0) entered = words[word - 1]! >>> 0;
    const left = words[word]! >>> 0;
    const sum = startLow + entered;
    const to = hookAt[hook]!;
    to[row * 2] = sum | 0;
    to[row * 2 + 1] = startHigh + (sum > 0xffffffff ? 1 : 0);
    bits |= 1 << (Present.at + hook);
    if (left !== 0) {
      hookNs[hook]![row] = left - entered;
      bits |= 1 << (Present.ns + hook);
    }
  }
  present[row]! |= bits;
}
