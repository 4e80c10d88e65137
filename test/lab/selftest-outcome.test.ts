import { expect, it } from 'vitest';
import { outcomeOf, outcomeText } from '../kernel/selftest-outcome.ts';

const text = (status: number, log: string) => outcomeText(outcomeOf(status, log));

it('is one word where a script passed', () => {
  expect(text(0, 'PASS: 3 entries in ns1-a8Zk2PqX\nfailed over to 2\n')).toBe('pass');
});

it('tells the ways not to pass apart', () => {
  expect([2, 4, 124, 1].map((status) => text(status, ''))).toEqual([
    'expected failure',
    'skip',
    'out of time',
    'fail 1',
  ]);
});

it('has the complaints of a script, whatever its status', () => {
  const log = 'FAIL: entry not found in zone 1\nSKIP: Could not run test without nft tool\n';
  expect(text(0, log)).toBe(
    'pass; FAIL: entry not found in zone N; SKIP: Could not run test without nft tool',
  );
});

it('is the same for runs that differ in names of namespaces, numbers and repetition', () => {
  const one = text(1, 'ERROR: counter in ns1-a8Zk2PqX (packets 7)\n');
  const other = text(1, 'ERROR: counter in ns1-Qw3rTy9Z (packets 12)\n'.repeat(2));
  expect(one).toBe(other);
  expect(one).not.toBe(text(1, 'ERROR: counter in ns2-a8Zk2PqX (packets 7)\n'));
});
