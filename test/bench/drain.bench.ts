/** What a drained record costs, over rings in memory: run with `vitest bench`. */
import { afterAll, bench, describe, expect } from 'vitest';
import { Drain } from '../../src/libbpf/drain.ts';
import { MemoryRing } from '../../src/libbpf/memory-ring.ts';
import { make } from '../native/build.ts';

make('native');

const RECORD = 96;
const PER_RING = 16 << 10;
const rings = Array.from({ length: 4 }, () => MemoryRing.open(2 << 20));
const drain = Drain.open([], RECORD);
for (const ring of rings) drain.addMemoryRing(ring);
afterAll(async () => {
  await drain.close();
  for (const ring of rings) ring.close();
});

const records = new Uint8Array(PER_RING * RECORD).map((_, index) => index * 7);
const buffer = new Uint8Array(rings.length * PER_RING * RECORD);
const fill = () => {
  for (const ring of rings) ring.write(records, RECORD);
};

fill();
expect(drain.take(buffer).records).toBe(rings.length * PER_RING);
expect(buffer.subarray(records.length, 2 * records.length)).toEqual(records);

describe('64 Ki records from four rings', () => {
  bench('fill and take', () => {
    fill();
    drain.take(buffer);
  });
  bench('take from empty rings: the call itself', () => {
    drain.take(buffer);
  });
});
