import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { AS_NOBODY } from '../run/as-nobody.ts';
import { conntrail, type Ended } from './conntrail.ts';
import { cannotRun, TestNetns } from './table-netns.ts';

const folder = mkdtempSync(join(tmpdir(), 'conntrail-errors-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** One line, perhaps one more with what to try; never a stack. */
function expectOneLine({ stderr }: Ended): void {
  const lines = stderr.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^conntrail: \S/);
  expect(lines.length).toBeLessThanOrEqual(2);
  if (lines.length === 2) expect(lines[1]).toMatch(/^ {2}try: \S/);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stderr).not.toContain('unexpected error');
}

const isRoot = process.getuid?.() === 0;
describe('wrong usage ends with 2 and one line', () => {
  const out = join(folder, 'never');
  it.each([
    [['recrod'], "unknown command 'recrod'\n  try: record"],
    [['record', '--out', out, '--durtion', '5s'], "unknown option '--durtion'\n  try: --duration"],
    [['record', '--out', out, '--duration', 'soon'], 'duration: found "soon", needed a number'],
    [['record', '--out', out, '--buffer', '3MiB'], 'needed a power of two'],
    [
      ['record', '--out', out, '--filter', 'tcp and and'],
      'filter: found "tcp and and", libpcap says: ',
    ],
    [['record', '--out', out, '--state', 'now'], '--state: found "now", needed some of new, '],
    [['record', '--out', out, '--mark', '1/0'], '--mark: found "1/0", needed value'],
    [['record'], "required option '--out <place>' not specified"],
    [
      ['export', '--out', out],
      "missing required argument 'capture'\n  try: conntrail export --help",
    ],
    [['doctor', 'extra'], "too many arguments for 'doctor'"],
    [['lab', '--here'], 'found --here without --scenario'],
  ])('%j', (args, message) => {
    const ended = conntrail(args);
    expect(ended.stderr).toContain(message);
    expectOneLine(ended);
    expect(ended.status).toBe(2);
    expect(ended.stdout).toBe('');
  });
});

describe('failures end with 1 and one line', () => {
  const notCapture = join(folder, 'text.capture');
  writeFileSync(notCapture, 'this is not a capture, it is a text long enough to have a header\n');

  it.each([
    [
      ['export', '/nonexistent.capture', '--out', join(folder, 'a')],
      '/nonexistent.capture: ENOENT',
    ],
    [
      ['watch', '--from', '/nonexistent'],
      '/nonexistent is not there, needed a dataset folder or a file',
    ],
    [['export', notCapture, '--out', join(folder, 'b')], notCapture],
  ])('%j', (args, message) => {
    const ended = conntrail(args);
    expect(ended.stderr).toContain(message);
    expectOneLine(ended);
    expect(ended.status).toBe(1);
  });

  it('a live trace without privileges', (context) => {
    if (!isRoot) context.skip('needs root, to start a process as nobody');
    const ended = conntrail(['record', '--out', '-', '--duration', '1s'], AS_NOBODY);
    expectOneLine(ended);
    expect(ended.stderr).toMatch(/EPERM|EACCES/);
    expect(ended.stderr).toContain('run as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN');
    expect(ended.status).toBe(1);
  });

  it.for([
    ['list', 'list the conntrack table'],
    ['list expect', 'list the expect table'],
    ['list dying', 'list the dying table'],
    ['count', 'count the entries of the conntrack table'],
    ['events expect', 'open the expect table'],
    ['flush expect --yes', 'list the expect table'],
    [
      'get -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1 --dport 2',
      'get an entry of the conntrack table',
    ],
    [
      'insert -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1 --dport 2 -t 9',
      'insert entries of the conntrack table',
    ],
  ] as const)('which table may not be used: %s', ([line, operation], context) => {
    if (!isRoot) context.skip('needs root, to start a process as nobody');
    const { status, stderr } = conntrail(['table', ...line.split(' ')], AS_NOBODY);
    expect(stderr).toBe(
      `conntrail: ${operation}: EPERM (operation not permitted)\n  try: run as root, or with CAP_NET_ADMIN\n`,
    );
    expect(status).toBe(1);
  });

  it('a namespace that may not be entered', (context) => {
    if (cannotRun !== undefined) context.skip(cannotRun);
    const netns = new TestNetns();
    for (const args of [
      ['table', 'stats'],
      ['table', 'stats', '--json'],
      ['explain', '--stale'],
    ]) {
      const { status, stderr } = conntrail([...args, '--netns', netns.name], AS_NOBODY);
      expect(stderr).toBe(
        `conntrail: enter /run/netns/${netns.name}: EPERM (operation not permitted)\n  try: run as root, or with CAP_SYS_ADMIN\n`,
      );
      expect(status).toBe(1);
    }
    netns.remove();
  });

  it('a machine that cannot be traced, told by doctor', (context) => {
    if (!isRoot) context.skip('needs root, to start a process as nobody');
    const ended = conntrail(['doctor', '--json'], AS_NOBODY);
    expect(ended.status).toBe(1);
    const { canTrace, checks } = JSON.parse(ended.stdout) as {
      canTrace: boolean;
      checks: { name: string; outcome: string; advice?: string }[];
    };
    expect(canTrace).toBe(false);
    const privileges = checks.find(({ name }) => name === 'privileges');
    expect(privileges).toMatchObject({ outcome: 'failed' });
    expect(privileges?.advice).toContain('run as root');
  });
});
