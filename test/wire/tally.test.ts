import { describe, expect, it } from 'vitest';
import { RecordKind } from '../../src/wire/layout.ts';
import { Tally } from '../../src/wire/tally.ts';
import { recordOf, wordsOf } from './record-fixture.ts';

const HOUR = 3_600_000_000_000n; // beyond 32 bits

/** Each step: cpu, seq, ns. */
function tallied(
  cpus: number,
  ...steps: (readonly [cpu: number, seq: number, ns: number])[]
): Tally {
  const tally = new Tally(cpus);
  for (const [cpu, seq, ns] of steps) {
    const kind = RecordKind.traversal;
    tally.count(wordsOf(recordOf({ cpu, seq, kind, ktimeNs: HOUR + BigInt(ns) })), 1);
  }
  return tally;
}

const at = (ns: number): string => String(HOUR + BigInt(ns));

describe('Tally', () => {
  it('counts by CPU and kind', () => {
    const tally = new Tally(3);
    const kinds = [RecordKind.drop, RecordKind.flow, RecordKind.flow];
    kinds.forEach((kind, seq) => {
      tally.count(wordsOf(recordOf({ cpu: 2, seq, kind, ktimeNs: 7n })), 1);
    });
    const expected = new Array<number>(3 * RecordKind.kinds).fill(0);
    expected[2 * RecordKind.kinds + RecordKind.drop] = 1;
    expected[2 * RecordKind.kinds + RecordKind.flow] = 2;
    expect([...tally.delivered]).toEqual(expected);
  });

  it('sees no gap where the numbers run on', () => {
    const tally = tallied(2, [0, 0, 10], [1, 0, 11], [0, 1, 12], [1, 1, 13]);
    expect([...tally.skipped]).toEqual([0, 0]);
    expect(tally.lossWindow).toBeNull();
  });

  it('counts what is missing, of the CPU that missed it', () => {
    const tally = tallied(2, [0, 0, 10], [1, 0, 20], [1, 4, 30], [1, 6, 40], [0, 1, 50]);
    expect([...tally.skipped]).toEqual([0, 4]);
    expect(tally.lossWindow).toEqual({ fromNs: at(20), toNs: at(40) });
  });

  it('counts what is missing before the first record, from the beginning of time', () => {
    const tally = tallied(1, [0, 3, 10]);
    expect([...tally.skipped]).toEqual([3]);
    expect(tally.lossWindow).toEqual({ fromNs: '0', toNs: at(10) });
  });

  it('counts what is missing after the last record, up to the end', () => {
    const tally = tallied(2, [0, 0, 10], [1, 0, 20], [1, 1, 30]);
    tally.end(0, 4, HOUR + 90n);
    tally.end(1, 2, HOUR + 95n);
    expect([...tally.skipped]).toEqual([3, 0]);
    expect(tally.lossWindow).toEqual({ fromNs: at(10), toNs: at(90) });
  });

  it('says where the last gap of a CPU ended', () => {
    const tally = tallied(2, [1, 0, 20], [1, 2, 30], [1, 5, 40], [1, 6, 50]);
    const gap = (BigInt(tally.gapHigh[1]! >>> 0) << 32n) | BigInt(tally.gapLow[1]! >>> 0);
    expect(String(gap)).toBe(at(40));
    expect([tally.gapHigh[0], tally.gapLow[0]]).toEqual([0, 0]);
  });

  it('opens the window at the earliest gap, though another CPU showed its own first', () => {
    const tally = tallied(2, [1, 0, 50], [0, 0, 90], [0, 2, 100], [1, 3, 110], [0, 3, 120]);
    expect(tally.lossWindow).toEqual({ fromNs: at(50), toNs: at(110) });
  });

  it('goes on across the end of the 32-bit sequence', () => {
    const tally = tallied(1, [0, 0xffff_fffe, 10], [0, 0xffff_ffff, 20], [0, 0, 30], [0, 1, 40]);
    expect([...tally.skipped]).toEqual([0xffff_fffe]); // those before the first record
    const torn = tallied(1, [0, 0xffff_fffe, 10], [0, 2, 40]);
    expect([...torn.skipped]).toEqual([0xffff_fffe + 3]);
  });

  it('ignores a record of a CPU or kind that it does not know', () => {
    const tally = new Tally(1);
    tally.count(wordsOf(recordOf({ cpu: 1, kind: 1, seq: 9 })), 1);
    tally.count(wordsOf(recordOf({ cpu: 0, kind: RecordKind.kinds, seq: 9 })), 1);
    expect([...tally.skipped]).toEqual([0]);
    expect(tally.delivered.every((count) => count === 0)).toBe(true);
  });
});
