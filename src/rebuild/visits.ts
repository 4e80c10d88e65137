/**
 * The visits of one traversal record as columns of a row: when and for how
 * long the packet was at each hook, and what was seen there.
 */
import { Hook } from '../model/codes.ts';
import { Seen } from '../wire/layout.ts';
import { Word } from '../wire/words.ts';
import { Fact, type PacketBatch, Present } from './packet-batch.ts';

const HOOK_BITS = 31;

export class Visits {
  private readonly offsetLow: number;
  private readonly offsetHigh: number;

  /** `clockOffsetNs`: wall clock minus CLOCK_MONOTONIC. */
  constructor(clockOffsetNs: bigint) {
    this.offsetLow = Number(BigInt.asUintN(32, clockOffsetNs));
    this.offsetHigh = Number(BigInt.asIntN(32, clockOffsetNs >> 32n));
  }

  /** The first record of a row: when it began. */
  writeStart(batch: PacketBatch, row: number, words: Int32Array, at: number): void {
    const low = words[at + Word.started]!;
    const high = words[at + Word.started + 1]!;
    const pair = row * 2;
    const sum = (low >>> 0) + this.offsetLow;
    batch.startedKtime[pair] = low;
    batch.startedKtime[pair + 1] = high;
    batch.startedAt[pair] = sum | 0;
    batch.startedAt[pair + 1] = high + this.offsetHigh + (sum > 0xffffffff ? 1 : 0);
  }

  /** Every record of a row. Returns the hook of the last visit. */
  write(batch: PacketBatch, row: number, words: Int32Array, at: number): number {
    const packed = words[at + Word.visits]!;
    const count = packed & 0xff;
    const startSum = (words[at + Word.started]! >>> 0) + this.offsetLow;
    const startHigh =
      words[at + Word.started + 1]! + this.offsetHigh + (startSum > 0xffffffff ? 1 : 0);
    const startLow = startSum >>> 0;
    let hook = (packed >>> 8) & 0xff;
    let entered = 0;
    for (let visit = 0; ; ) {
      const left = words[at + Word.at + visit * 2]! >>> 0;
      const sum = startLow + entered;
      const to = batch.hookAt[hook]!;
      to[row * 2] = sum | 0;
      to[row * 2 + 1] = startHigh + (sum > 0xffffffff ? 1 : 0);
      batch.present[row]! |= 1 << (Present.at + hook);
      if (left !== 0) {
        batch.hookNs[hook]![row] = left - entered;
        batch.present[row]! |= 1 << (Present.ns + hook);
      }
      if (++visit >= count) break;
      entered = words[at + Word.at + visit * 2 - 1]! >>> 0;
      hook = (packed >>> (8 + visit * 8)) & 0xff;
    }
    writeSeen(batch, row, words[at + Word.seen]!);
    writeInterfaces(batch, row, words, at, (packed >>> 8) & 0xff);
    batch.lastHook[row] = hook;
    return hook;
  }
}

function writeSeen(batch: PacketBatch, row: number, seen: number): void {
  const chains = (seen >>> Seen.chains) & HOOK_BITS;
  const rewritten = (seen >>> Seen.rewritten) & HOOK_BITS;
  batch.facts[row]! |= (chains << Fact.chains) | (rewritten << Fact.rewritten);
  for (let left = chains; left !== 0; left &= left - 1) batch.chainRuns[row]!++;
}

/** A traversal that begins at output came in nowhere; one that ends at input goes out nowhere. */
function writeInterfaces(
  batch: PacketBatch,
  row: number,
  words: Int32Array,
  at: number,
  firstHook: number,
): void {
  const inIfindex = words[at + Word.inIfindex]!;
  const outIfindex = words[at + Word.outIfindex]!;
  if (inIfindex !== 0 && firstHook !== Hook.output) {
    batch.inIfindex[row] = inIfindex;
    batch.present[row]! |= 1 << Present.inIfindex;
  }
  if (outIfindex !== 0) {
    batch.outIfindex[row] = outIfindex;
    batch.present[row]! |= 1 << Present.outIfindex;
  }
}
