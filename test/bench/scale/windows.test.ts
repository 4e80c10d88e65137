import { expect, it } from 'vitest';
import { medianPerRecord, sumOf } from './windows.ts';

it('takes the median of windows, so that one bad one does not count', () => {
  const drains = Array.from({ length: 20 }, (_, index) => ({
    records: 100,
    drainNs: 1000,
    tablesNs: index === 7 ? 1_000_000 : 50_000,
  }));
  expect(medianPerRecord(drains)).toEqual({ drainNs: 10, tablesNs: 500 });
  expect(sumOf(drains).records).toBe(2000);
});

it('is content with fewer drains than windows', () => {
  const one = { records: 10, drainNs: 100, tablesNs: 200 };
  expect(medianPerRecord([one])).toEqual({ drainNs: 10, tablesNs: 20 });
});
