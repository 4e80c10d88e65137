/** The visits of a record: times and bits per hook. */
import { Seen } from '../wire/layout.ts';
import { Word } from '../wire/words.ts';
import type { PacketBatch } from './packet-batch.ts';
import { Fact, Present } from './packet-layout.ts';

const HOOK_BITS = 31;

/** The visits of one record into a row whose `startedAt` is theirs, beside those that it has. */
export function writeVisits(batch: PacketBatch, row: number, words: Int32Array, at: number): void {
  const { hookAt, hookNs, present, startedAt } = batch;
  const packed = words[at + Word.visits]!;
  const visits = packed & 0xff;
  const startLow = startedAt[row * 2]! >>> 0;
  const startHigh = startedAt[row * 2 + 1]!;
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

/** The hooks of a record, a bit each. */
export function hooksIn(packed: number): number {
  let bits = 0;
  for (let visit = 0; visit < (packed & 0xff); visit++) {
    bits |= 1 << ((packed >>> (8 + visit * 8)) & 0xff);
  }
  return bits;
}

/** The hooks at which a nat chain ran, a bit each. */
export function chainsIn(seen: number): number {
  return (seen >>> Seen.chains) & HOOK_BITS;
}

/** What was seen at hooks, as bits of `facts`. */
export function hookFacts(seen: number): number {
  const rewritten = (seen >>> Seen.rewritten) & HOOK_BITS;
  return (chainsIn(seen) << Fact.chains) | (rewritten << Fact.rewritten);
}

export function bitsIn(bits: number): number {
  let count = 0;
  for (let left = bits; left !== 0; left &= left - 1) count++;
  return count;
}
