/** The tables `dying` and `unconfirmed`, held against conntrack(8). */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../../src/kernel/tool.ts';
import { cannotRun, TestNetns, timeless } from './table-netns.ts';

const COUNT = 24;
const PATIENCE_MS = 60_000;
const why = cannotRun ?? (hasTool('python3') ? undefined : 'needs python3, to listen and not read');
let netns: TestNetns;
let deaf: ChildProcess;

/** Wants each entry's end told for certain, and reads none: entries that end wait for it. */
const DEAF = `
import socket, sys
SOL_NETLINK, NETLINK_BROADCAST_ERROR, NETLINK_NETFILTER, DESTROY = 270, 4, 12, 4
listening = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
listening.setsockopt(SOL_NETLINK, NETLINK_BROADCAST_ERROR, 1)
listening.bind((0, DESTROY))
print('ready', flush=True)
sys.stdin.read()
`;

beforeAll(async () => {
  if (why !== undefined) return;
  netns = new TestNetns();
  deaf = spawn('ip', ['netns', 'exec', netns.name, 'python3', '-c', DEAF], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(deaf.stdout!, 'data');
  const lines = Array.from({ length: COUNT }, (_, index) => {
    const isTcp = index % 3 === 0;
    const ends =
      index % 4 === 0 ? `-s fd00::${index} -d fd01::9` : `-s 10.0.0.${index} -d 10.9.9.9`;
    return `-A -t ${1000 + index} ${ends} -p ${isTcp ? 'tcp --state ESTABLISHED' : 'udp'} --sport 5 --dport 6\n`;
  });
  expect(netns.tableOf(lines.join(''), 'restore', '-')).toContain(`${COUNT} of ${COUNT} entries`);
  netns.conntrack('-F');
}, PATIENCE_MS);

afterAll(async () => {
  if (why !== undefined) return;
  deaf.stdin!.end();
  await once(deaf, 'close');
  netns.remove();
});

describe('table list dying', () => {
  it.each(['', '-o extended,id', '-p tcp', '-f ipv6', '-p udp -d 10.9.9.9'])(
    'has the entries of conntrack -L dying %s',
    (args) => {
      if (why !== undefined) return;
      const given = args === '' ? [] : args.split(' ');
      const wanted = timeless(netns.conntrack('-L', 'dying', ...given).stdout);
      const found = netns.table('list', 'dying', ...given);
      expect(found).toMatchObject({ status: 0, stderr: '' });
      expect(timeless(found.stdout)).toEqual(wanted);
      expect(wanted.length).toBeGreaterThan(1);
      expect(wanted.length).toBeLessThan(args === '' || args.startsWith('-o') ? COUNT + 1 : COUNT);
    },
    PATIENCE_MS,
  );

  it('has those of a prefix, where conntrack lists none', (context) => {
    if (why !== undefined) context.skip(why);
    const all = timeless(netns.table('list', 'dying').stdout);
    const wanted = all.filter((line) => / src=10\.0\.0\.([0-9]|1[0-5]) dst=10\.9/.test(line));
    expect(timeless(netns.table('list', 'dying', '-s', '10.0.0.0/28').stdout)).toEqual(wanted);
    expect(wanted.length).toBeGreaterThan(1);
    expect(wanted.length).toBeLessThan(all.length);
  });

  it('tells them from those of the table', (context) => {
    if (why !== undefined) context.skip(why);
    expect(netns.table('list').stdout).toBe('');
    const [first] = netns.table('list', 'dying', '-o', 'json').stdout.split('\n');
    expect(JSON.parse(first!)).toMatchObject({ news: 'listed', dst_port: 6 });
  });
});

describe('table list unconfirmed', () => {
  it('has what conntrack -L unconfirmed has', (context) => {
    if (why !== undefined) context.skip(why);
    const wanted = timeless(netns.conntrack('-L', 'unconfirmed').stdout);
    const found = netns.table('list', 'unconfirmed');
    expect(found).toMatchObject({ status: 0, stderr: '' });
    expect(timeless(found.stdout)).toEqual(wanted);
  });
});
