import { describe, expect, it } from 'vitest';
import { Merge } from '../../src/libbpf/merge.ts';
import { TraceError } from '../../src/model/error.ts';
import { recordBytes } from '../../src/wire/layout.ts';
import { bigAt, recordWords, Shift, Word } from '../../src/wire/words.ts';
import { type Random, seeded } from '../wire/random.ts';
import { joined, recordOf } from '../wire/record-fixture.ts';

interface Stamp {
  readonly cpu: number;
  readonly seq: number;
  readonly ns: bigint;
}

const encode = ({ cpu, seq, ns }: Stamp): Buffer => recordOf({ cpu, seq, ktimeNs: ns, kind: 1 });

function stamp(cpu: number, seq: number, ns: bigint): Stamp {
  return { cpu, seq, ns };
}

function release(merge: Merge, horizon: bigint | 'end'): Stamp[] {
  const seen: Stamp[] = [];
  const see = (words: Int32Array, records: number): void => {
    for (let at = 0; at < records * recordWords; at += recordWords) {
      const cpu = (words[at + Word.cpu]! >>> Shift.cpu) & 0xffff;
      seen.push({ cpu, seq: words[at + Word.seq]! >>> 0, ns: bigAt(words, at + Word.ktime) });
    }
  };
  if (horizon === 'end') merge.releaseAll(see);
  else {
    const high = Number(BigInt.asIntN(32, horizon >> 32n));
    merge.release(high, Number(BigInt.asIntN(32, horizon)), see);
  }
  return seen;
}

const EDGE = 0x1_0000_0000n; // where the low word begins anew

describe('Merge', () => {
  it('hands out records of several CPUs in the order of time', () => {
    const merge = new Merge(3);
    const a = [stamp(0, 0, EDGE - 3n), stamp(0, 1, EDGE), stamp(0, 2, EDGE + 9n)];
    const b = [stamp(2, 0, EDGE - 1n), stamp(2, 1, EDGE + 4n)];
    merge.add(joined([...a, ...b].map(encode)));
    expect(release(merge, 'end')).toEqual([a[0], b[0], a[1], b[1], a[2]]);
  });

  it('keeps what is not older than the horizon for the next release', () => {
    const merge = new Merge(1);
    const [one, two, three] = [stamp(0, 0, EDGE - 1n), stamp(0, 1, EDGE), stamp(0, 2, EDGE + 1n)];
    merge.add(joined([one, two, three].map(encode)));
    expect(release(merge, EDGE - 1n)).toEqual([]);
    expect(release(merge, EDGE)).toEqual([one]);
    expect(release(merge, EDGE + 1n)).toEqual([two]);
    const four = stamp(0, 3, EDGE + 5n);
    merge.add(encode(four));
    expect(release(merge, 'end')).toEqual([three, four]);
    expect(release(merge, 'end')).toEqual([]);
  });

  it('hands out more than a block has room for', () => {
    const merge = new Merge(2);
    const stamps = Array.from({ length: 9001 }, (_, n) => stamp(n % 2, n >>> 1, BigInt(n)));
    for (const cpu of [0, 1]) {
      merge.add(joined(stamps.filter((one) => one.cpu === cpu).map(encode)));
    }
    expect(release(merge, 8999n)).toEqual(stamps.slice(0, 8999));
    expect(release(merge, 'end')).toEqual(stamps.slice(8999));
  });

  it('is of no more use when it is closed', () => {
    const merge = new Merge(1);
    merge.close();
    merge.close();
    expect(() => merge.add(encode(stamp(0, 0, 1n)))).toThrow('merge is closed');
  });

  it('keeps any number of records, however many went before', () => {
    const merge = new Merge(1);
    const stamps = Array.from({ length: 2000 }, (_, seq) => stamp(0, seq, BigInt(seq)));
    const seen: Stamp[] = [];
    for (let at = 0; at < stamps.length; at += 100) {
      merge.add(joined(stamps.slice(at, at + 100).map(encode)));
      seen.push(...release(merge, BigInt(Math.floor(at / 2))));
    }
    expect([...seen, ...release(merge, 'end')]).toEqual(stamps);
  });

  it('holds what it keeps: the bytes are the caller’s again', () => {
    const merge = new Merge(1);
    const bytes = encode(stamp(0, 7, 5n));
    merge.add(bytes);
    bytes.fill(0xee);
    expect(release(merge, 'end')).toEqual([stamp(0, 7, 5n)]);
  });

  it('takes records at any multiple of four bytes', () => {
    const merge = new Merge(2);
    const bytes = new Uint8Array(recordBytes + 4);
    bytes.set(encode(stamp(1, 3, 8n)), 4);
    merge.add(bytes.subarray(4));
    expect(release(merge, 'end')).toEqual([stamp(1, 3, 8n)]);
  });

  it('releases equal times by CPU, whichever record came just before', () => {
    const merge = new Merge(2);
    const early = stamp(1, 0, 5n);
    const [low, high] = [stamp(0, 0, 10n), stamp(1, 1, 10n)];
    merge.add(joined([early, high, low].map(encode)));
    expect(release(merge, 'end')).toEqual([early, low, high]);
  });
});

describe('what Merge refuses', () => {
  const KINDS = 'expected a cpu below 4 and a kind from 1 to 11';
  it.each([
    ['a cpu out of range', { cpu: 4, kind: 1 }, `cpu 4 and kind 1, ${KINDS}`],
    ['the largest cpu', { cpu: 0xffff, kind: 11 }, `cpu 65535 and kind 11, ${KINDS}`],
    ['kind 0', { cpu: 3, kind: 0 }, `cpu 3 and kind 0, ${KINDS}`],
    ['a kind too large', { cpu: 0, kind: 12 }, `cpu 0 and kind 12, ${KINDS}`],
  ])('is %s, with its place', (_, fields, message) => {
    const bytes = joined([encode(stamp(1, 0, 1n)), recordOf(fields)]);
    expect(() => new Merge(4).add(bytes)).toThrow(
      new TraceError('corrupt', `record at byte 96 says ${message}`, {
        hint: 'the capture is damaged, or of another version of conntrail',
      }),
    );
  });

  it('is a part of a record', () => {
    const bytes = encode(stamp(0, 0, 1n)).subarray(0, 92);
    expect(() => new Merge(1).add(bytes)).toThrow(
      new TraceError('corrupt', 'drained 92 bytes, not a multiple of 96'),
    );
  });
});

/** Per CPU rising sequence and time, with many equal times, also across CPUs. */
function streams(random: Random, cpus: number, records: number): Stamp[][] {
  return Array.from({ length: cpus }, (_, cpu) => {
    let ns = EDGE - 60n;
    return Array.from({ length: random.below(records) }, (_, seq) => {
      ns += BigInt(random.pick([0, 0, 1, 1, 2, 7]));
      return { cpu, seq, ns };
    });
  });
}

/** Drains at random moments: everything up to there, ring by ring in pieces, and the horizon. */
function releasedInChunks(all: readonly Stamp[][], cpus: number, random: Random): Stamp[] {
  const merge = new Merge(cpus);
  const taken = all.map(() => 0);
  const seen: Stamp[] = [];
  for (let now = EDGE - 60n; now < EDGE + 400n; now += BigInt(1 + random.below(40))) {
    for (const [ring, stamps] of all.entries()) {
      const from = taken[ring]!;
      let end = from;
      while (end < stamps.length && stamps[end]!.ns < now + BigInt(random.below(9))) end++;
      while (end < stamps.length && stamps[end]!.ns < now) end++;
      const middle = from + random.below(end - from + 1);
      merge.add(joined(stamps.slice(from, middle).map(encode)));
      merge.add(joined(stamps.slice(middle, end).map(encode)));
      taken[ring] = end;
    }
    seen.push(...release(merge, now));
  }
  merge.add(joined(all.flatMap((stamps, ring) => stamps.slice(taken[ring]).map(encode))));
  return [...seen, ...release(merge, 'end')];
}

describe('any way of draining', () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))('gives one order, seed %i', (seed) => {
    const random = seeded(seed);
    const cpus = 1 + random.below(5);
    const all = streams(random, cpus, 1 + random.below(180));
    const expected = all
      .flat()
      .sort((a, b) => (a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : a.cpu - b.cpu));
    for (let way = 0; way < 4; way++) {
      expect(releasedInChunks(all, cpus, random)).toEqual(expected);
    }
  });
});
