/** Tables and options that do not go together: refused where conntrack(8) refuses them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EXPECTED, insertMasters } from './expected.ts';
import { cannotRun, TestNetns } from './table-netns.ts';

let netns: TestNetns;
beforeAll(() => {
  if (cannotRun !== undefined) return;
  netns = new TestNetns();
  insertMasters(netns, EXPECTED.slice(0, 1));
});
beforeEach((context) => {
  if (cannotRun !== undefined) context.skip(cannotRun);
});
afterAll(() => {
  if (cannotRun === undefined) netns.remove();
});

const words = (text: string): string[] => text.split(' ');
const [{ master, tuple } = { master: '', tuple: '' }] = EXPECTED;

function expectRefused(args: string, message: string): void {
  const { status, stdout, stderr } = netns.table(...words(args));
  expect(stderr).toContain(`conntrail: ${message}`);
  expect(stderr).toMatch(/^conntrail: [^\n]*\n( {2}try: [^\n]*\n)?$/);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
}

describe('what conntrack(8) refuses as well', () => {
  it.each([
    [
      'list nonsense',
      '-L nonsense',
      'table list: found "nonsense", needed conntrack, expect, dying, ',
    ],
    ['count dying', '-C dying', 'table count: found "dying", needed conntrack or expect'],
    [
      'flush unconfirmed',
      '-F unconfirmed',
      'table flush: found "unconfirmed", needed conntrack or ',
    ],
    ['update expect -m 1', '-U expect -m 1', 'table update: found "expect", needed conntrack'],
    [
      'list expect -p tcp',
      '-L expect -p tcp',
      'found --protonum with the table expect, needed --fam',
    ],
    ['list expect --src-nat', '-L expect --src-nat', 'found --src-nat with the table expect'],
    ['list expect -s 10.0.0.1', '-L expect -s 10.0.0.1', 'found --orig-src with the table expect'],
    [
      'count expect -m 1',
      '-C expect -m 1',
      'found --mark with the table expect, needed --family, ',
    ],
    ['flush expect -f ipv6', '-F expect -f ipv6', 'found --family with the table expect'],
    ['events expect -p udp', '-E expect -p udp', 'found --protonum with the table expect'],
    [
      `insert ${master} ${tuple}`,
      `-I ${master} ${tuple}`,
      'found --tuple-src with the table conntrack, needed an option of entries',
    ],
    [
      'get expect -p udp -s 10.0.0.1',
      '-G expect -p udp -s 10.0.0.1',
      'found no --orig-dst, needed',
    ],
    [
      `insert expect ${master}`,
      `-I expect ${master}`,
      'found no --tuple-src, needed to make an exp',
    ],
    [
      `insert expect ${tuple}`,
      `-I expect ${tuple}`,
      'found no --protonum, needed to name an entry',
    ],
  ])('%s', (ours, theirs, message) => {
    expectRefused(ours, message);
    expect(netns.conntrack(...words(theirs)).status).toBe(2);
  });
});

describe('options that others have no use for', () => {
  const ENDS = '-s 10.0.0.1 -d 10.0.0.2 -t 9';
  it.each([
    ['list --mask-src 255.0.0.0', '-L --mask-src 255.0.0.0', 'found --mask-src without --orig-src'],
    [
      'delete --yes -s 10.0.0.1 --mask-dst 255.0.0.0',
      '-D -s 10.0.0.1 --mask-dst 255.0.0.0',
      'found --mask-dst without --orig-dst, needed both',
    ],
    [
      'list -p tcp --icmp-type 8',
      '-L -p tcp --icmp-type 8',
      'found --icmp-type with tcp, needed what it has: --sport, --dport, --reply-port-src, --reply-port-dst, --state',
    ],
    ['delete --yes -p icmp --sport 5', '-D -p icmp --sport 5', 'found --sport with icmp, needed '],
    ['list -p 99 --sport 5', '-L -p 99 --sport 5', 'found --sport with 99, needed what it has: a'],
    ['list -p udp --srckey 5', '-L -p udp --srckey 5', 'found --srckey with udp, needed '],
    ['list -p udp --state CLOSE', '-L -p udp --state CLOSE', 'found --state with udp, needed '],
    [
      `insert -p icmp ${ENDS} --icmp-type 8 --dport 4`,
      `-I -p icmp ${ENDS} --icmp-type 8 --icmp-code 0 --icmp-id 1 --dport 4`,
      'found --dport with icmp, needed what it has: --icmp-type, ',
    ],
    ['list -u UNSURE', '-L -u UNSURE', '--status: found "UNSURE", needed some of ASSURED, '],
  ])('%s', (ours, theirs, message) => {
    expectRefused(ours, message);
    expect(netns.conntrack(...words(theirs)).status).toBe(2);
  });
});

describe('what conntrack(8) takes and the kernel does not keep', () => {
  it.each([
    [
      tuple.replace('--mask-dst 255.255.255.255', '--mask-dst 255.255.0.0'),
      '--mask-dst: found "255.255.0.0", needed all bits: the kernel keeps masks of the source alone',
    ],
    [
      tuple.replace('--mask-port-dst 65535', '--mask-port-dst 300'),
      '--mask-port-dst: found "300", needed 65535: the kernel keeps masks of the source alone',
    ],
  ])('insert expect %s', (given, message) => {
    const { stderr } = netns.conntrack('-I', 'expect', ...words(master), ...words(given));
    expect(stderr).toBe('');
    expect(netns.conntrack('-L', 'expect').stdout).toMatch(
      /mask-dst=255\.255\.255\.255 .*=65535 m/,
    );
    netns.conntrack('-F', 'expect');
    expectRefused(`insert expect ${master} ${given}`, message);
  });
});

describe('what only some forms are for', () => {
  it.each([
    ['list expect -o save', '--output: found save, needed a form that expectations have'],
    ['list expect --sort bytes', 'found --sort with the table expect, needed --family, --netns, '],
    [
      `insert expect ${master} ${tuple.replace('192.0.2.1', 'fd02::1')}`,
      '--tuple-src: found "fd02',
    ],
  ])('%s', (args, message) => expectRefused(args, message));

  it('the kernel refuses is told with its meaning', () => {
    const other = master.replace('--sport 2000', '--sport 2999');
    const said = (args: string) => netns.table(...words(args)).stderr;
    expect(said(`insert expect ${other} ${tuple}`)).toBe(
      'conntrail: insert: there is no such master entry (ENOENT)\n',
    );
    netns.table(...words(`insert ${other} -t 600`));
    expect(said(`insert expect ${other} ${tuple}`)).toBe(
      'conntrail: insert: the master entry has no helper (EOPNOTSUPP)\n',
    );
  });
});
