import { describe, expect, it } from 'vitest';
import { record, recordBytes } from '../../src/wire/layout.ts';
import { bigAt, isLess, recordWords, Shift, Word } from '../../src/wire/words.ts';
import {
  addressBytes,
  DISTINCT,
  DISTINCT_TRAVERSAL,
  distinctRecord,
  joined,
  recordOf,
  wordsOf,
} from './record-fixture.ts';

/** Names of words that are not those of the layout. */
const NAMED: Readonly<Record<string, keyof typeof record>> = {
  ktime: 'ktimeNs',
  started: 'traversalStartedNs',
  visits: 'traversalVisits',
  at: 'traversalAt',
  seen: 'traversalSeen',
  len: 'traversalLen',
  inIfindex: 'traversalInIfindex',
  outIfindex: 'traversalOutIfindex',
  first: 'firstNs',
  bothPortsReply: 'bothSrcPortReply',
  bothSinceFirst: 'bothSinceFirstNs',
  flowZone: 'zone',
  flowEntry: 'entry',
  endRemaining: 'remaining',
  dropReason: 'reason',
  dropLocation: 'location',
};

describe('the record fixture', () => {
  it.each([DISTINCT, DISTINCT_TRAVERSAL])('gives every field its own value', (fields) => {
    const values = Object.values(fields).flat().map(String);
    expect(new Set(values).size).toBe(values.length);
  });
});

describe('words', () => {
  const words = wordsOf(joined([recordOf({}), distinctRecord()]));
  const at = recordWords;

  it.each(Object.entries(Word))('word of %s is that of the layout', (name, word) => {
    const field = (NAMED[name] ?? name) as keyof typeof record;
    expect(record[field], field).toBeTypeOf('number');
    expect(word).toBe(Math.floor(record[field] / 4));
  });

  it('counts a record in words', () => {
    expect(recordWords * 4).toBe(recordBytes);
  });

  it.each(['seq', 'netns', 'mark', 'flowZone'] as const)('reads the word of %s', (name) => {
    expect(words[at + Word[name]]! >>> 0).toBe(DISTINCT[NAMED[name] ?? (name as 'seq')]);
  });

  it.each(['seen', 'len', 'inIfindex', 'outIfindex'] as const)(
    'reads the word of %s of a traversal',
    (name) => {
      const traversal = wordsOf(joined([recordOf({}), recordOf(DISTINCT_TRAVERSAL)]));
      expect(traversal[at + Word[name]]! >>> 0).toBe(DISTINCT_TRAVERSAL[NAMED[name]!]);
    },
  );

  it('finds the visits, their hooks and their times', () => {
    const traversal = wordsOf(recordOf(DISTINCT_TRAVERSAL));
    const packed = traversal[Word.visits]!;
    const hooks = [8, 16, 24].map((shift) => (packed >>> shift) & 0xff);
    expect([packed & 0xff, hooks]).toEqual([9, DISTINCT_TRAVERSAL.traversalHooks]);
    const times = [0, 1, 2, 3, 4].map((n) => traversal[Word.at + n]! >>> 0);
    expect(times).toEqual(DISTINCT_TRAVERSAL.traversalAt);
    expect(bigAt(traversal, Word.started)).toBe(DISTINCT_TRAVERSAL.traversalStartedNs);
  });

  it.each(Object.keys(Shift) as (keyof typeof Shift)[])('shifts %s out of its word', (name) => {
    const mask = name === 'cpu' || name === 'status' || name === 'flags' ? 0xffff : 0xff;
    const wide = name === 'srcPort' || name === 'dstPort' ? 0xffff : mask;
    expect((words[at + Word[name]]! >>> Shift[name]) & wide).toBe(DISTINCT[name]);
  });

  it.each(['ktime', 'skb', 'flow', 'flowEntry'] as const)('reads all 64 bits of %s', (name) => {
    expect(bigAt(words, at + Word[name])).toBe(DISTINCT[NAMED[name] ?? (name as 'skb')]);
  });

  it.each(['src', 'dst'] as const)('finds the 16 bytes of %s', (name) => {
    const bytes = new Uint8Array(words.buffer, (at + Word[name]) * 4, 16);
    expect(Buffer.from(bytes)).toEqual(addressBytes(String(DISTINCT[name])));
  });
});

describe('isLess', () => {
  const BORDERS = [
    0n,
    1n,
    0x7fff_ffffn,
    0x8000_0000n,
    0xffff_ffffn,
    0x1_0000_0000n,
    0x1_0000_0001n,
    0x7fff_ffff_ffff_ffffn,
    0x8000_0000_0000_0000n,
    0x8000_0000_8000_0000n,
    0xffff_ffff_0000_0000n,
    0xffff_ffff_ffff_ffffn,
  ];
  const high = (value: bigint): number => Number(BigInt.asIntN(32, value >> 32n));
  const low = (value: bigint): number => Number(BigInt.asIntN(32, value));

  it.each(BORDERS)('compares %s as unsigned 64 bits', (a) => {
    for (const b of BORDERS) {
      expect(isLess(high(a), low(a), high(b), low(b)), `${a} < ${b}`).toBe(a < b);
      // words may also come unsigned
      expect(isLess(high(a) >>> 0, low(a) >>> 0, high(b), low(b)), `${a} < ${b}`).toBe(a < b);
    }
  });
});
