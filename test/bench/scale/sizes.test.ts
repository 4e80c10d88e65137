import { expect, it } from 'vitest';
import { marksOf } from './length.ts';
import { besideFirst } from './scale-table.ts';
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

it('writes each figure beside the first of its column', () => {
  const rows = [
    { size: 1000, ns: 200 },
    { size: 2000, ns: 300 },
  ];
  const table = besideFirst(rows, ['size', ({ size }) => size], [['ns', ({ ns }) => ns]]);
  expect(table).toBe('| size | ns |\n|--:|--:|\n| 1,000 | 200 (1.00) |\n| 2,000 | 300 (1.50) |');
});
