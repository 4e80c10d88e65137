/** Tuples in records of their own, right before the traversal on the same CPU: not what its entry says. */
import { RecordKind } from '../wire/layout.ts';
import { recordWords, Shift, Word } from '../wire/words.ts';
import type { PacketBatch } from './packet-batch.ts';
import { copyAddress, sameAddress } from './row-words.ts';

/** Which ends of a packet differ from how it came. */
export const Changed = { none: 0, dst: 1, src: 2, unknown: 4 } as const;

/** Copies of the records of kind came and left that are still without their traversal. */
interface Pending {
  readonly came: Int32Array;
  readonly left: Int32Array;
}

export class Tuples {
  private readonly pending: Pending[] = [];

  /** RECORD_CAME, RECORD_LEFT. */
  keep(words: Int32Array, at: number, cpu: number, kind: number): void {
    while (this.pending.length <= cpu) {
      this.pending.push({
        came: new Int32Array(recordWords),
        left: new Int32Array(recordWords),
      });
    }
    const to = kind === RecordKind.came ? this.pending[cpu]!.came : this.pending[cpu]!.left;
    for (let word = 0; word < recordWords; word++) to[word] = words[at + word]!;
  }

  /** The record that tells how the packet of a traversal came; undefined where it was lost. */
  cameOf(words: Int32Array, at: number): Int32Array | undefined {
    const came = this.pending[(words[at + Word.cpu]! >>> Shift.cpu) & 0xffff]?.came;
    return came !== undefined && isOf(came, words, at) ? came : undefined;
  }

  /** False where it was lost. */
  writeCame(batch: PacketBatch, row: number, words: Int32Array, at: number): boolean {
    const came = this.cameOf(words, at);
    if (came === undefined) return false;
    copyAddress(came, Word.src, batch.src, row * 4);
    copyAddress(came, Word.dst, batch.dst, row * 4);
    batch.srcPort[row] = came[Word.srcPort]! >>> Shift.srcPort;
    batch.dstPort[row] = came[Word.dstPort]! >>> Shift.dstPort;
    return true;
  }

  /** How it came to these visits as how it left those before. False where it was lost. */
  writeCameAfter(batch: PacketBatch, row: number, words: Int32Array, at: number): boolean {
    const came = this.pending[(words[at + Word.cpu]! >>> Shift.cpu) & 0xffff]?.came;
    return came !== undefined && writeAfter(batch, row, came, words, at);
  }

  /** False where it was lost. */
  writeLeft(batch: PacketBatch, row: number, words: Int32Array, at: number): boolean {
    const left = this.pending[(words[at + Word.cpu]! >>> Shift.cpu) & 0xffff]?.left;
    return left !== undefined && writeAfter(batch, row, left, words, at);
  }
}

function writeAfter(
  batch: PacketBatch,
  row: number,
  copy: Int32Array,
  words: Int32Array,
  at: number,
): boolean {
  if (!isOf(copy, words, at)) return false;
  copyAddress(copy, Word.src, batch.srcAfter, row * 4);
  copyAddress(copy, Word.dst, batch.dstAfter, row * 4);
  batch.srcPortAfter[row] = copy[Word.srcPort]! >>> Shift.srcPort;
  batch.dstPortAfter[row] = copy[Word.dstPort]! >>> Shift.dstPort;
  return true;
}

/** Was this copy made right before the traversal, for the same sk_buff? */
function isOf(copy: Int32Array, words: Int32Array, at: number): boolean {
  const before = (words[at + Word.seq]! - copy[Word.seq]!) | 0;
  return (
    copy[Word.skb] === words[at + Word.skb] &&
    copy[Word.skb + 1] === words[at + Word.skb + 1] &&
    before >= 1 &&
    before <= 2
  );
}

/** Which ends of the row differ from how the packet came. */
export function changedEnds(batch: PacketBatch, row: number): number {
  const word = row * 4;
  const dst =
    batch.dstPort[row] !== batch.dstPortAfter[row] ||
    !sameAddress(batch.dst, word, batch.dstAfter, word);
  const src =
    batch.srcPort[row] !== batch.srcPortAfter[row] ||
    !sameAddress(batch.src, word, batch.srcAfter, word);
  return (dst ? Changed.dst : 0) | (src ? Changed.src : 0);
}
