/** What NAT an entry shows: the reply tuple held against the original one. */
import { EntryWord, halfAt } from '../model/entry-row.ts';

const ICMP: ReadonlySet<number> = new Set([1, 58]);

/** What one manip made of its end. */
export interface Manip {
  readonly isAddress: boolean;
  readonly isPort: boolean;
}

export function protocolAt(words: Int32Array, at: number): number {
  return (words[at]! >>> 8) & 0xff;
}

function areEqual(words: Int32Array, one: number, other: number): boolean {
  for (let index = 0; index < 4; index++) {
    if (words[one + index] !== words[other + index]) return false;
  }
  return true;
}

/** Manip src: replies go to another end than the original packets came from. */
export function srcManip(words: Int32Array, at: number): Manip {
  const isIcmp = ICMP.has(protocolAt(words, at));
  const before = halfAt(words, at + EntryWord.origPorts, 0);
  const after = halfAt(words, at + EntryWord.replyPorts, isIcmp ? 0 : 1);
  return {
    isAddress: !areEqual(words, at + EntryWord.origSrc, at + EntryWord.replyDst),
    isPort: before !== after,
  };
}

/** Manip dst: replies come from another end than the original packets went to. */
export function dstManip(words: Int32Array, at: number): Manip {
  const isIcmp = ICMP.has(protocolAt(words, at));
  const before = halfAt(words, at + EntryWord.origPorts, 1);
  const after = halfAt(words, at + EntryWord.replyPorts, 0);
  return {
    isAddress: !areEqual(words, at + EntryWord.origDst, at + EntryWord.replySrc),
    isPort: !isIcmp && before !== after,
  };
}
