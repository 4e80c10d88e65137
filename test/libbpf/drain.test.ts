import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { Drain } from '../../src/libbpf/drain.ts';
import { MemoryRing } from '../../src/libbpf/memory-ring.ts';
import { make } from '../native/build.ts';

const RECORD = 96;
const RING = 1 << 16;

beforeAll(() => make('native'));

/** Records whose words count up from `first`; no two are equal. */
function recordsFrom(first: number, count: number): Uint8Array {
  return new Uint8Array(Uint32Array.from({ length: count * 24 }, (_, i) => first * 24 + i).buffer);
}

async function withRings(
  count: number,
  use: (drain: Drain, rings: readonly MemoryRing[]) => Promise<void> | void,
): Promise<void> {
  const drain = Drain.open([], RECORD);
  const rings = Array.from({ length: count }, () => MemoryRing.open(RING));
  for (const ring of rings) drain.addMemoryRing(ring);
  try {
    await use(drain, rings);
  } finally {
    await drain.close();
    for (const ring of rings) ring.close();
  }
}

describe('take', () => {
  it('delivers the bytes of all rings', () =>
    withRings(2, (drain, [a, b]) => {
      expect(a?.write(recordsFrom(0, 3), RECORD)).toBe(3);
      expect(b?.write(recordsFrom(3, 2), RECORD)).toBe(2);
      const buffer = new Uint8Array(1000);
      const result = drain.take(buffer);
      expect(result).toMatchObject({ bytes: 480, records: 5, ringsLeft: 0, ringsBusy: 0 });
      expect(buffer.subarray(0, 480)).toEqual(recordsFrom(0, 5));
      expect(buffer.subarray(480).every((byte) => byte === 0)).toBe(true);
    }));

  it('writes only to the part it was given', () =>
    withRings(1, (drain, [ring]) => {
      ring?.write(recordsFrom(1, 2), RECORD);
      const whole = new Uint8Array(300);
      const result = drain.take(whole.subarray(7, 7 + RECORD));
      expect(result).toMatchObject({ records: 1, ringsLeft: 1 });
      expect(whole.subarray(7, 7 + RECORD)).toEqual(recordsFrom(1, 1));
      expect(whole.subarray(7 + RECORD).every((byte) => byte === 0)).toBe(true);
    }));

  it('gives the clock as the horizon where all was taken', () =>
    withRings(1, (drain, [ring]) => {
      ring?.write(recordsFrom(1, 2), RECORD);
      const before = process.hrtime.bigint();
      const result = drain.take(new Uint8Array(500));
      expect(result.horizonNs).toBe(result.clockNs);
      expect(result.clockNs).toBeGreaterThanOrEqual(before);
      expect(result.clockNs).toBeLessThanOrEqual(process.hrtime.bigint());
    }));

  it('counts records of another size', () =>
    withRings(1, (drain, [ring]) => {
      ring?.write(new Uint8Array(160), 80);
      ring?.write(recordsFrom(1, 1), RECORD);
      const result = drain.take(new Uint8Array(500));
      expect(result).toMatchObject({ records: 1, skippedSize: 2, discarded: 0 });
    }));

  it('says how many records had no room in the ring', () =>
    withRings(1, (_drain, [ring]) => {
      expect(ring?.write(recordsFrom(0, 1000), RECORD)).toBe(Math.floor((RING - 1) / 104));
    }));
});

describe('waitTake', () => {
  it('leaves the event loop free while it waits', () =>
    withRings(1, async (drain) => {
      let ticks = 0;
      const timer = setInterval(() => ticks++, 5);
      const start = performance.now();
      const result = await drain.waitTake(new Uint8Array(RECORD), 200);
      clearInterval(timer);
      expect(performance.now() - start).toBeGreaterThan(190);
      expect(ticks).toBeGreaterThan(5);
      expect(result).toMatchObject({ records: 0, isWoken: false });
    }));

  it('takes at once what is there', () =>
    withRings(1, async (drain, [ring]) => {
      ring?.write(recordsFrom(4, 2), RECORD);
      const buffer = new Uint8Array(2 * RECORD);
      const result = await drain.waitTake(buffer, 60_000);
      expect(result.records).toBe(2);
      expect(buffer).toEqual(recordsFrom(4, 2));
    }));

  it('ends at wake() and takes what came meanwhile', () =>
    withRings(1, async (drain, [ring]) => {
      const buffer = new Uint8Array(RECORD);
      const waiting = drain.waitTake(buffer, 60_000);
      await sleep(20);
      ring?.write(recordsFrom(9, 1), RECORD);
      drain.wake();
      expect(await waiting).toMatchObject({ records: 1, isWoken: true });
      expect(buffer).toEqual(recordsFrom(9, 1));
    }));

  it('keeps the buffer alive until the end', () =>
    withRings(1, async (drain, [ring]) => {
      ring?.write(recordsFrom(9, 100), RECORD);
      for (let round = 0; round < 100; round++) {
        const waiting = drain.waitTake(new Uint8Array(RECORD), 60_000);
        for (let i = 0; i < 20; i++) Buffer.alloc(RECORD, 1);
        expect((await waiting).records).toBe(1);
      }
    }));

  it('refuses a second call', () =>
    withRings(1, async (drain) => {
      const buffer = new Uint8Array(RECORD);
      const waiting = drain.waitTake(buffer, 60_000);
      const refused = 'drain is in a wait, needs to be free: await waitTake() first';
      await expect(drain.waitTake(buffer, 0)).rejects.toThrow(refused);
      expect(() => drain.take(buffer)).toThrow(refused);
      drain.wake();
      await waiting;
      expect(drain.take(buffer).records).toBe(0);
    }));
});

describe('close', () => {
  it('ends a wait', () =>
    withRings(0, async (drain) => {
      const waiting = drain.waitTake(new Uint8Array(RECORD), 60_000);
      await drain.close();
      expect((await waiting).isWoken).toBe(true);
    }));

  it('refuses use afterwards, and closes once', async () => {
    const drain = Drain.open([], RECORD);
    await drain.close();
    await drain.close();
    drain.wake();
    expect(() => drain.take(new Uint8Array(RECORD))).toThrow('drain is closed');
  });
});

describe('refusals', () => {
  it('names the errno of a descriptor that is no ring', () => {
    expect(() => Drain.open([-1], RECORD)).toThrow(
      'drain_open of 1 rings: EBADFD (no such descriptor)',
    );
  });

  it('needs room for a record', () =>
    withRings(0, (drain) => {
      expect(() => drain.take(new Uint8Array(95))).toThrow(
        'buffer has 95 bytes, a record needs 96',
      );
    }));

  it('needs a power of two', () => {
    expect(() => MemoryRing.open(5000)).toThrow('memory_ring_open 5000: EINVAL (invalid argument)');
  });
});
