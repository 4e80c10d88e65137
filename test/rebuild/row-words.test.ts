import { describe, expect, it } from 'vitest';
import {
  add,
  clearNull,
  isNull,
  isOlderThan,
  setNull,
  writeLater,
} from '../../src/rebuild/row-words.ts';

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
  0xffff_ffff_ffff_fffen,
];
const COUNTS = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** A value between two others that must not change. */
function around(value: bigint): Int32Array {
  const words = new BigInt64Array([-1n, BigInt.asIntN(64, value), -1n]);
  return new Int32Array(words.buffer);
}

function inner(words: Int32Array): bigint {
  const [before, value, after] = new BigUint64Array(words.buffer);
  expect([before, after]).toEqual([2n ** 64n - 1n, 2n ** 64n - 1n]);
  return value!;
}

describe.each(BORDERS)('%i', (value) => {
  it('plus or minus a count carries and borrows', () => {
    for (const count of COUNTS) {
      for (const by of [count, -count]) {
        const words = around(value);
        add(words, 2, by);
        expect(inner(words), `${value} + ${by}`).toBe(BigInt.asUintN(64, value + BigInt(by)));
      }
    }
  });

  it('moves by what lies between two times', () => {
    for (const from of BORDERS) {
      for (const base of BORDERS) {
        const words = around(value);
        writeLater(words, 2, around(from), 2, around(base), 2);
        expect(inner(words), `${value} + ${from} - ${base}`).toBe(
          BigInt.asUintN(64, value + from - base),
        );
      }
    }
  });

  it('is older than so many nanoseconds', () => {
    for (const ns of [0, 1, 10_000_000, 4_000_000_000]) {
      const then = value + BigInt(ns);
      if (then >= 2n ** 64n - 1n) continue;
      expect(isOlderThan(around(value), 2, ns, around(then), 2)).toBe(false);
      expect(isOlderThan(around(value), 2, ns, around(then + 1n), 2)).toBe(true);
    }
  });
});

it('keeps the null bit of each column apart, over both words', () => {
  const words = new Int32Array(4);
  for (const column of [0, 31, 32, 50, 63]) setNull(words, 1, column);
  clearNull(words, 1, 31);
  const set = Array.from({ length: 64 }, (_, column) => column).filter((column) =>
    isNull(words, 1, column),
  );
  expect(set).toEqual([0, 32, 50, 63]);
  expect([words[0], words[3]]).toEqual([0, 0]);
});
