import { describe, expect, it } from 'vitest';
import { WordTable } from '../../src/explain/word-table.ts';

describe('a table of keys', () => {
  it('numbers them in order of first use, however many, and reads no more than their width', () => {
    const table = new WordTable(3);
    const key = (n: number): Int32Array => Int32Array.of(n % 7, n, -n, n * 5);
    for (let n = 0; n < 5000; n++) expect(table.numberOf(key(n))).toBe(n);
    for (let n = 0; n < 5000; n++) expect(table.numberOf(Int32Array.of(n % 7, n, -n, 1))).toBe(n);
    expect([0, 1, 2].map((place) => table.word(4321, place))).toEqual([4321 % 7, 4321, -4321]);
    expect(table.length).toBe(5000);
  });

  it('takes no more than its limit, and still knows those it has', () => {
    const table = new WordTable(1, 2);
    expect([9, 8, 7, 8].map((n) => table.numberOf(Int32Array.of(n)))).toEqual([0, 1, -1, 1]);
  });
});
