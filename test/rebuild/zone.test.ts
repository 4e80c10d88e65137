import { expect, it } from 'vitest';
import { ZONE_DIRECTIONS } from '../../src/model/codes.ts';
import { Flow } from '../../src/rebuild/flow-columns.ts';
import { writeZone } from '../../src/rebuild/zone.ts';

/** struct nf_conntrack_zone: `ct zone set`, `ct original zone set`, `ct reply zone set`. */
it.each([
  [0x0003_000b, 11, 'both'],
  [0x0001_0015, 21, 'original'],
  [0x0002_ffff, 65_535, 'reply'],
] as const)('%i is zone %i of %s', (word, zone, direction) => {
  const row = 300;
  const words = new Int32Array(2 * row);
  writeZone(words, row, word);
  expect(words[row + Flow.zone]).toBe(zone);
  expect(ZONE_DIRECTIONS[words[row + Flow.zoneDirection]!]).toBe(direction);
});
