import { expect, it } from 'vitest';
import { marksOf } from './length.ts';
import { markdown } from './scale-table.ts';
import { sizeOf, sizesOf } from './sizes.ts';

it('reads sizes', () => {
  expect(sizeOf('1000')).toBe(1000);
  expect(sizesOf('1k,10M')).toEqual([1000, 10_000_000]);
  for (const text of ['', '0', '-1', '1G', 'ten']) expect(() => sizeOf(text)).toThrow('needed');
});

it('marks the ends of decades within a run', () => {
  expect(marksOf(500_000)).toEqual([]);
  expect(marksOf(10_000_000)).toEqual([1_000_000]);
  expect(marksOf(100_000_000)).toEqual([1_000_000, 10_000_000]);
});

it('writes tables', () => {
  expect(markdown(['a', 'b'], [['1', '2']])).toBe('| a | b |\n|--:|--:|\n| 1 | 2 |');
});
