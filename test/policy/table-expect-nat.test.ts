/** What the helper of ftp expects where its master is translated: a talk in which a client offers a port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { timelessExpectations } from './expected.ts';
import { cannotRun, TestNetns } from './table-netns.ts';

const PATIENCE_MS = 60_000;
const OFFERED = 6 * 256 + 10;

const RULES = `
table ip ftp {
  ct helper f {
    type "ftp" protocol tcp;
  }
  chain o {
    type filter hook output priority -150
    tcp dport 2121 ct helper set "f"
  }
  chain p {
    type nat hook postrouting priority 100
    ip daddr 127.0.0.1 tcp dport 2121 snat to 127.0.0.9
  }
}
`;

/** The server says what it was told. The helper reads from the second line on. */
const TALK = `
const net = require("net");
const lines = ["USER x\\r\\n", "PORT 127,0,0,1,6,10\\r\\n"];
net.createServer((socket) => {
  socket.write("220 here\\r\\n");
  socket.on("data", (data) => {
    if (String(data).startsWith("USER")) socket.write("331 go on\\r\\n");
    else process.stdout.write(data);
  });
}).listen(2121, "127.0.0.1", () => {
  const client = net.connect(2121, "127.0.0.1");
  client.on("data", () => client.write(lines.shift()));
});
`;

let netns: TestNetns;
let talk: ChildProcess;
beforeAll(() => {
  if (cannotRun !== undefined) return;
  netns = new TestNetns();
  netns.run('ip', ['link', 'set', 'lo', 'up']);
  netns.run('nft', ['-f', '-'], RULES);
});
afterAll(async () => {
  if (cannotRun !== undefined) return;
  talk.kill();
  await once(talk, 'close');
  netns.remove();
});

/** Somebody waits at the port that was offered: NAT takes another one. */
function takeOffered(): void {
  const master = '-p tcp -s 127.0.0.5 -d 127.0.0.6 --sport 1003 --dport 21';
  netns.table('insert', ...`${master} -t 600 --state ESTABLISHED --helper ftp`.split(' '));
  const tuple = [
    '-t 300 --tuple-src 127.0.0.0 --mask-src 255.0.0.0 --tuple-port-src 0 --mask-port-src 0',
    `--tuple-dst 127.0.0.9 --mask-dst 255.255.255.255 --tuple-port-dst ${OFFERED} --mask-port-dst 65535`,
  ].join(' ');
  const { stderr } = netns.conntrack('-I', 'expect', ...`${master} ${tuple}`.split(' '));
  expect(stderr).toBe('');
}

it(
  'an expectation says to which port NAT sends the flow that comes',
  async (context) => {
    if (cannotRun !== undefined) context.skip(cannotRun);
    takeOffered();
    const inside = ['netns', 'exec', netns.name, process.execPath, '-e', TALK];
    talk = spawn('ip', inside, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [told] = await once(talk.stdout!, 'data');
    const [, high = '', low = ''] = /^PORT 127,0,0,9,(\d+),(\d+)\r\n$/.exec(String(told)) ?? [];
    const taken = Number(high) * 256 + Number(low);
    expect(taken).toBeGreaterThan(OFFERED);
    const lines = netns.table('list', 'expect', '-o', 'json').stdout.trimEnd().split('\n');
    const all = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const found = all.find(({ dst_port }) => dst_port === taken);
    expect(all).toHaveLength(2);
    expect(found).toMatchObject({
      ...{ protocol: 6, src: '127.0.0.1', dst: '127.0.0.9', src_port: null, mask_src_port: 0 },
      ...{ master_src: '127.0.0.1', master_dst: '127.0.0.1', master_dst_port: 2121, helper: 'ftp' },
      ...{ nat_address: null, nat_port: OFFERED, nat_direction: 'reply' },
    });
    const columns = netns.table('list', 'expect', '-o', 'columns').stdout;
    expect(columns).toMatch(
      new RegExp(
        ` 127\\.0\\.0\\.1:\\* > 127\\.0\\.0\\.9:${taken} .*; NAT to port ${OFFERED}$`,
        'm',
      ),
    );
    const theirs = netns.conntrack('-L', 'expect').stdout;
    expect(timelessExpectations(netns.table('list', 'expect').stdout)).toEqual(
      timelessExpectations(theirs),
    );
  },
  PATIENCE_MS,
);
