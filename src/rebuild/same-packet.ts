/** Is a record about the packet in a row? The address of the sk_buff alone is no proof. */
import { Hook, Verdict } from '../model/codes.ts';
import { Shift, Word } from '../wire/words.ts';
import { isTorn } from './outcome.ts';
import type { PacketBatch } from './packet-batch.ts';
import { Present } from './packet-layout.ts';
import { LINGER_NS } from './packet-rows.ts';
import { isOlderThan, sameAddress } from './row-words.ts';
import { hooksIn } from './visits.ts';

/** The order of hooks on every way, by hook. */
const RANK = [0, 2, 1, 0, 2];

/** Are these visits the next ones of the packet in the row? */
export function continues(
  batch: PacketBatch,
  row: number,
  words: Int32Array,
  at: number,
  hook: number,
): boolean {
  if (batch.netns[row] !== words[at + Word.netns]) return false;
  if (batch.verdict[row] === Verdict.drop || hasBit(batch, row, Present.drop)) return false;
  if (isOlderThan(batch.endedAt, row * 2, LINGER_NS, words, at + Word.ktime)) return false;
  if (hasBit(batch, row, Present.at + hook)) return false;
  if (hook === Hook.output) return isSentOn(batch, row, words, at);
  const last = batch.lastHook[row]!;
  const isNext =
    hook === Hook.prerouting
      ? last === Hook.postrouting && isLoopback(batch, row, words, at)
      : RANK[hook]! > RANK[last]!;
  return isNext && sameFlow(batch, row, words, at);
}

/** IPVS takes a packet at input and sends it on by output, with its entry: what else begins there has none. */
function isSentOn(batch: PacketBatch, row: number, words: Int32Array, at: number): boolean {
  const isTaken = batch.lastHook[row] === Hook.input && hasBit(batch, row, Present.flow);
  return isTaken && sameFlow(batch, row, words, at);
}

/**
 * The same of a packet whose row is not filled yet: by its only record, at
 * `last` of the same words.
 */
export function continuesRecord(
  words: Int32Array,
  last: number,
  hasFlow: boolean,
  at: number,
  hook: number,
): boolean {
  if (words[last + Word.netns] !== words[at + Word.netns]) return false;
  if (((words[last + Word.verdict]! >>> Shift.verdict) & 0xff) === Verdict.drop) return false;
  if (isOlderThan(words, last + Word.ktime, LINGER_NS, words, at + Word.ktime)) return false;
  if ((hooksIn(words[last + Word.visits]!) >>> hook) & 1) return false;
  const lastHook = words[last + Word.hook]! >>> Shift.hook;
  const outIfindex = words[last + Word.outIfindex]!;
  const isNext =
    hook === Hook.prerouting
      ? lastHook === Hook.postrouting &&
        outIfindex !== 0 &&
        outIfindex === words[at + Word.inIfindex]
      : RANK[hook]! > RANK[lastHook]!;
  const isSameFlow =
    words[last + Word.flow] === words[at + Word.flow] &&
    words[last + Word.flow + 1] === words[at + Word.flow + 1];
  return isNext && (!hasFlow || isSameFlow);
}

/** Is this the drop of the packet in the row? Its own traversal may be lost. */
export function isOfRow(batch: PacketBatch, row: number, words: Int32Array, at: number): boolean {
  if (batch.netns[row] !== words[at + Word.netns]) return false;
  const hasFlow = hasBit(batch, row, Present.flow);
  if (!(hasFlow ? sameFlow(batch, row, words, at) : isZero(words, at + Word.flow))) return false;
  if (isTorn(batch, row)) return true;
  const { srcAfter, dstAfter } = batch;
  return (
    sameAddress(srcAfter, row * 4, words, at + Word.src) &&
    sameAddress(dstAfter, row * 4, words, at + Word.dst)
  );
}

function isZero(words: Int32Array, pair: number): boolean {
  return words[pair] === 0 && words[pair + 1] === 0;
}

/** A flow may appear on the way, never change. */
function sameFlow(batch: PacketBatch, row: number, words: Int32Array, at: number): boolean {
  if (!hasBit(batch, row, Present.flow)) return true;
  return (
    batch.flow[row * 2] === words[at + Word.flow] &&
    batch.flow[row * 2 + 1] === words[at + Word.flow + 1]
  );
}

/** lo hands the very sk_buff back, with its entry: out and in are the same interface. */
function isLoopback(batch: PacketBatch, row: number, words: Int32Array, at: number): boolean {
  return (
    hasBit(batch, row, Present.outIfindex) && batch.outIfindex[row] === words[at + Word.inIfindex]
  );
}

export function hasBit(batch: PacketBatch, row: number, bit: number): boolean {
  return ((batch.present[row]! >>> bit) & 1) === 1;
}
