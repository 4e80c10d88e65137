import { describe, expect, it } from 'vitest';
import { AddressTable } from '../../src/rebuild/address-table.ts';
import { type Random, seeded } from '../wire/random.ts';

type Key = readonly [low: number, high: number];

/** Keys as the kernel makes them, and the worst that could come. */
const KEYS: Readonly<Record<string, (random: Random) => Key>> = {
  'of sk_buffs, 256 bytes apart': (random) => [random.below(200) * 256, 0xffff_8881 | 0],
  'of flows, counted per CPU': (random) => [1 + random.below(200), random.below(4) << 8],
  'that differ in the upper half alone': (random) => [7, random.below(300)],
  'over all 64 bits': (random) => [random.below(2 ** 32) | 0, random.below(3) | 0],
  'zero and around': (random) => [random.below(3) - 1, random.below(3) - 1],
};

function compare(keys: (random: Random) => Key, seed: number): void {
  const random = seeded(seed);
  const table = new AddressTable(4);
  const model = new Map<string, { key: Key; slot: number }>();
  for (let step = 0; step < 3000; step++) {
    const key = keys(random);
    const name = key.join();
    // grows, shrinks, grows again
    const isGrowing = Math.floor(step / 500) % 2 === 0;
    if (random.below(10) < (isGrowing ? 7 : 3)) {
      if (!model.has(name)) {
        table.insert(...key, step);
        model.set(name, { key, slot: step });
      }
    } else {
      table.remove(...key);
      model.delete(name);
    }
    expect(table.find(...key)).toBe(model.get(name)?.slot ?? -1);
    if (step % 100 !== 0) continue;
    for (const known of model.values()) expect(table.find(...known.key)).toBe(known.slot);
  }
}

describe.each(Object.entries(KEYS))('keys %s', (_, keys) => {
  it.each([1, 2, 3, 4])('are found as in a Map, seed %i', (seed) => compare(keys, seed));
});

it('does not confuse the two halves of a key', () => {
  const table = new AddressTable(4);
  table.insert(1, 2, 5);
  table.insert(2, 1, 6);
  expect([table.find(1, 2), table.find(2, 1), table.find(1, 1)]).toEqual([5, 6, -1]);
});
