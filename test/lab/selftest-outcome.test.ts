import { expect, it } from 'vitest';
import {
  changedByTracing,
  failingUntraced,
  outcomeOf,
  outcomeText,
} from '../kernel/selftest-outcome.ts';

const text = (status: number, log: string) => outcomeText(outcomeOf(status, log));

it('is one word where a script passed', () => {
  expect(
    text(0, 'PASS: 3 entries in ns1-a8Zk2PqX\nfailed over to 2\nPASS: icmp error had state\n'),
  ).toBe('pass');
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

it('is changed by tracing where no traced run is like one without a tracer', () => {
  const outcomes = new Map([
    ['steady', { untraced: 'skip', traced: 'skip' }],
    ['broken', { untraced: 'pass', traced: 'fail 1' }],
    ['mended', { untraced: 'fail 1', traced: 'pass', 'traced-again': 'pass' }],
    ['late', { untraced: 'fail 1', traced: 'pass', 'untraced-again': 'pass' }],
    ['once', { untraced: 'pass', traced: 'fail 1', 'traced-again': 'pass' }],
    ['said', { untraced: 'pass', traced: 'pass; FAIL: lost' }],
  ]);
  expect(changedByTracing(outcomes)).toEqual(['broken', 'mended', 'said']);
  expect(failingUntraced(outcomes)).toEqual(['steady', 'mended']);
});
