/** `--src-nat`, `--dst-nat`, `--any-nat`: each alone, or towards an address and a port. */
import { EntryWord, halfAt } from '../model/entry-row.ts';
import { dstManip, type Manip, srcManip } from './entry-nat.ts';
import type { EntryWords } from './entry-options.ts';
import { endOf, wrong } from './entry-values.ts';

export interface NatWish {
  readonly family: 0 | 4 | 6;
  matches(words: Int32Array, at: number): boolean;
}

interface End {
  readonly family: 0 | 4 | 6;
  /** Four words; undefined: whichever it is. */
  readonly address: Int32Array | undefined;
  readonly port: number | undefined;
}

export function natFilter({ srcNat, dstNat, anyNat }: EntryWords): NatWish | undefined {
  if (anyNat !== undefined && (srcNat ?? dstNat) !== undefined) {
    throw wrong('any-nat', anyNat, 'neither --src-nat nor --dst-nat beside it', anyNat);
  }
  const src = wished('src-nat', srcNat);
  const dst = wished('dst-nat', dstNat);
  const either = wished('any-nat', anyNat);
  if (either !== undefined) {
    const matches = (words: Int32Array, at: number) =>
      isSrc(either, words, at) || isDst(either, words, at);
    return { family: either.family, matches };
  }
  if (src === undefined && dst === undefined) return undefined;
  return {
    family: src?.family || dst?.family || 0,
    matches: (words, at) =>
      (src === undefined || isSrc(src, words, at)) && (dst === undefined || isDst(dst, words, at)),
  };
}

function wished(option: string, text: string | undefined): End | undefined {
  if (text === undefined) return undefined;
  if (text === '') return { family: 0, address: undefined, port: undefined };
  const { family, bytes, port } = endOf(option, text);
  return { family, address: new Int32Array(bytes.buffer), port };
}

function isSrc(end: End, words: Int32Array, at: number): boolean {
  const port = halfAt(words, at + EntryWord.replyPorts, 1);
  return isTowards(end, srcManip(words, at), words, at + EntryWord.replyDst, port);
}

function isDst(end: End, words: Int32Array, at: number): boolean {
  const port = halfAt(words, at + EntryWord.replyPorts, 0);
  return isTowards(end, dstManip(words, at), words, at + EntryWord.replySrc, port);
}

function isTowards(end: End, manip: Manip, words: Int32Array, to: number, port: number): boolean {
  const { address } = end;
  if (address === undefined) return manip.isAddress || manip.isPort;
  if (!manip.isAddress && !(end.port !== undefined && manip.isPort)) return false;
  if (end.port !== undefined && end.port !== port) return false;
  return address.every((word, index) => word === words[to + index]);
}
