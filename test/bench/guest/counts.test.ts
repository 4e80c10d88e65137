import { describe, expect, it } from 'vitest';
import { parseCounts, perPacket } from './counts.ts';
import { marksOf } from './job.ts';

const TEXT = 'mark 1 user 1000 kernel 50000\nmark 2 user 3000 kernel 90000\n';

describe('instruction counts', () => {
  it('are read by mark', () => {
    expect(parseCounts(TEXT).get(2)).toEqual({ user: 3000, kernel: 90_000 });
  });

  it('are refused where a line is something else', () => {
    expect(() => parseCounts('mark 1 user')).toThrow('found "mark 1 user" among the counts');
  });

  it('are divided by packets, user and kernel apart', () => {
    expect(perPacket(parseCounts(TEXT), 'one', 100)).toEqual({ user: 20, kernel: 400 });
  });

  it('are unknown where a mark was not reached', () => {
    expect(perPacket(parseCounts(TEXT), 'flows', 100)).toBeUndefined();
  });

  it('use four marks that are all different', () => {
    const marks = [marksOf('one'), marksOf('flows')].flatMap(({ begin, end }) => [begin, end]);
    expect(new Set(marks).size).toBe(4);
  });
});
