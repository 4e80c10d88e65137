/** What `table list` prints, held against conntrack(8) on a table that has something of everything. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mixedLines } from './table-mixed.ts';
import { cannotRun, TestNetns, timeless } from './table-netns.ts';

/** CONNTRAIL_TABLE_ENTRIES=100000 takes minutes. */
const COUNT = Number(process.env.CONNTRAIL_TABLE_ENTRIES ?? 5000);
const PATIENCE_MS = 120_000;

const folder = mkdtempSync(join(tmpdir(), 'conntrail-table-'));
let netns: TestNetns | undefined;

beforeAll(() => {
  if (cannotRun !== undefined) return;
  netns = new TestNetns();
  const path = join(folder, 'mixed.save');
  writeFileSync(path, `${mixedLines(COUNT).join('\n')}\n`);
  const { status, stderr } = netns.table('restore', path);
  expect(stderr).toBe(`${COUNT} of ${COUNT} entries restored, 0 were there\n`);
  expect(status).toBe(0);
}, PATIENCE_MS);

afterAll(() => {
  netns?.remove();
  rmSync(folder, { recursive: true });
});

function without(lines: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return lines.filter((line) => !known.has(line));
}

/** The same arguments to both; How many lines that were. */
function expectSame(args: readonly string[], ours: readonly string[] = args): number {
  const theirs = netns!.conntrack('-L', ...args);
  const { stdout, stderr, status } = netns!.table('list', ...ours);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const wanted = timeless(theirs.stdout);
  const found = timeless(stdout);
  expect({
    missing: without(wanted, found).slice(0, 3),
    added: without(found, wanted).slice(0, 3),
  }).toEqual({ missing: [], added: [] });
  expect(found).toHaveLength(wanted.length);
  return wanted.length;
}

describe('table list', () => {
  it('has all entries that were made', (context) => {
    if (cannotRun !== undefined) context.skip(cannotRun);
    expect(netns!.conntrack('-C').stdout).toBe(`${COUNT}\n`);
    expect(netns!.table('count').stdout).toBe(`${COUNT}\n`);
  });

  it.each([
    '',
    '-o extended',
    '-o id',
    '-o extended,id,ktimestamp',
    '-o save',
    '-o xml',
    '-o timestamp',
  ])(
    'prints the lines of conntrack -L %s',
    (args) => {
      if (cannotRun !== undefined) return;
      expect(expectSame(words(args))).toBeGreaterThanOrEqual(COUNT);
    },
    PATIENCE_MS,
  );

  it.each([
    '-f ipv4',
    '-f ipv6',
    '-p tcp',
    '-p 17',
    '-p icmp',
    '-p icmpv6',
    '-p sctp',
    '-p gre',
    '-p udplite',
    '-p 99',
    '-s 10.0.1.0',
    '-s 10.0.0.0/20',
    '-s 10.0.0.5/24',
    '--src 10.0.0.0/20',
    '-d 192.0.2.3',
    '--orig-dst 192.0.2.0/30',
    '-s 10.0.0.7 --mask-src 255.255.255.0',
    '-d 192.0.2.1 --mask-dst 255.255.255.254',
    '-s fd00::10/124',
    '-d fd01::5 -p udp',
    '-r 203.0.113.9',
    '-r fd03::9',
    '-q 198.18.0.10',
    '-p tcp --dport 443',
    '-p udp --orig-port-dst 53',
    '-p tcp --sport 1026',
    '-p tcp --reply-port-src 443',
    '-p udp --reply-port-dst 1051',
    '-p tcp --state ESTABLISHED',
    '-p tcp --state TIME_WAIT --dport 53',
    '-p tcp --state LISTEN',
    '-p sctp --state ESTABLISHED',
    '-p icmp --icmp-type 13 --icmp-code 0',
    '-p icmpv6 --icmpv6-type 128 --icmpv6-code 0',
    '-w 5',
    '-w 0',
    '--orig-zone 6',
    '--orig-zone 0',
    '--reply-zone 7',
    '-m 37',
    '-m 0',
    '-m 0x25/0x2f',
    '-m 0/0x1',
    '-u ASSURED',
    '-u SEEN_REPLY',
    '-u UNREPLIED',
    '-u SEEN_REPLY,ASSURED',
    '-u FIXED_TIMEOUT',
    '--any-nat',
    '-p tcp --src-nat',
    '-p udp --dst-nat',
    '-p sctp --src-nat',
    '-p gre --dst-nat',
    '-p tcp --src-nat --dst-nat',
    '-n 198.18.0.10',
    '-g 203.0.113.9',
    '-j 203.0.113.9',
    '-p tcp --src-nat --dport 443',
    '-f ipv6 --any-nat',
    '-f ipv4 -p tcp -d 192.0.2.0/29 --state ESTABLISHED -u ASSURED --dst-nat',
  ])(
    'filters as conntrack -L %s',
    (args) => {
      if (cannotRun !== undefined) return;
      expect(expectSame(words(args))).toBeGreaterThan(0);
    },
    PATIENCE_MS,
  );
});

describe('where conntrack(8) lists what was not asked for', () => {
  const linesOf = (...args: readonly string[]) => timeless(netns!.table('list', ...args).stdout);

  it('lists an ICMP entry by the end that was translated', (context) => {
    if (cannotRun !== undefined) context.skip(cannotRun);
    const all = linesOf('-p', 'icmp');
    const isSrc = (line: string) => / dst=198\.1[89]\./.test(line);
    const isDst = (line: string) => / src=203\.0\.113\.9 /.test(line);
    expect(linesOf('-p', 'icmp', '--src-nat')).toEqual(all.filter(isSrc));
    expect(linesOf('-p', 'icmp', '--dst-nat')).toEqual(all.filter(isDst));
    expect(all.filter(isSrc).length).toBeGreaterThan(0);
    expect(all.filter(isDst)).not.toEqual(all.filter(isSrc));
  });

  it('lists a GRE entry by its keys', (context) => {
    if (cannotRun !== undefined) context.skip(cannotRun);
    expect(linesOf('-p', 'gre', '--dstkey', '0x89')).toEqual(
      linesOf('-p', 'gre').filter((line) => / dstkey=0x89 .* srckey=/.test(line)),
    );
    expect(linesOf('-p', 'gre', '--dstkey', '0x89')).toHaveLength(1);
  });
});

function words(args: string): string[] {
  return args === '' ? [] : args.split(' ');
}
