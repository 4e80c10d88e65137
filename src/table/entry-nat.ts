/**
 * What NAT an entry shows: the reply tuple held against the original one, where
 * the kernel's bits say that it translates by it. An entry made by hand may have
 * a reply tuple that is another and not have the bits: no packet is changed then.
 */
import { Status } from '../model/codes.ts';
import { EntryHas, EntryWord, halfAt } from '../model/entry-row.ts';

const ICMP: ReadonlySet<number> = new Set([1, 58]);

/** What one manip made of its end. */
export interface Manip {
  readonly isAddress: boolean;
  readonly isPort: boolean;
}

const NONE: Manip = { isAddress: false, isPort: false };

export function protocolAt(words: Int32Array, at: number): number {
  return (words[at]! >>> 8) & 0xff;
}

function areEqual(words: Int32Array, one: number, other: number): boolean {
  for (let index = 0; index < 4; index++) {
    if (words[one + index] !== words[other + index]) return false;
  }
  return true;
}

/** A message that tells no status tells nothing against it. */
function isInForce(words: Int32Array, at: number, bit: number): boolean {
  const has = words[at + EntryWord.has]!;
  if (!(has & EntryHas.reply)) return false;
  return !(has & EntryHas.status) || (words[at + EntryWord.status]! & bit) !== 0;
}

/** Manip src: replies go to another end than the original packets came from. */
export function srcManip(words: Int32Array, at: number): Manip {
  return isInForce(words, at, Status.srcNat) ? srcDifference(words, at) : NONE;
}

/** Manip dst: replies come from another end than the original packets went to. */
export function dstManip(words: Int32Array, at: number): Manip {
  return isInForce(words, at, Status.dstNat) ? dstDifference(words, at) : NONE;
}

/** The tuples differ, and the kernel does not translate. */
export function isIdle(words: Int32Array, at: number): boolean {
  if (!(words[at + EntryWord.has]! & EntryHas.reply)) return false;
  const src = srcDifference(words, at);
  const dst = dstDifference(words, at);
  return (
    ((src.isAddress || src.isPort) && !isInForce(words, at, Status.srcNat)) ||
    ((dst.isAddress || dst.isPort) && !isInForce(words, at, Status.dstNat))
  );
}

function srcDifference(words: Int32Array, at: number): Manip {
  const isIcmp = ICMP.has(protocolAt(words, at));
  const before = halfAt(words, at + EntryWord.origPorts, 0);
  const after = halfAt(words, at + EntryWord.replyPorts, isIcmp ? 0 : 1);
  return {
    isAddress: !areEqual(words, at + EntryWord.origSrc, at + EntryWord.replyDst),
    isPort: before !== after,
  };
}

function dstDifference(words: Int32Array, at: number): Manip {
  const isIcmp = ICMP.has(protocolAt(words, at));
  const before = halfAt(words, at + EntryWord.origPorts, 1);
  const after = halfAt(words, at + EntryWord.replyPorts, 0);
  return {
    isAddress: !areEqual(words, at + EntryWord.origDst, at + EntryWord.replySrc),
    isPort: !isIcmp && before !== after,
  };
}
