/** What explanations say of the next packet, held against a kernel that gets one. */
import { afterAll, describe, expect, it } from 'vitest';
import { hasTool } from '../../src/kernel/tool.ts';
import { explainPasted } from '../../src/table/explain-record.ts';
import type { Explained } from '../../src/table/explain-shapes.ts';
import { openNetns } from '../facts/netns-here.ts';

const RULES = `
table ip t {
  chain n {
    type nat hook output priority -100
    udp dport 2301 counter dnat to 127.0.0.1:2302 comment "nat udp"
    tcp dport 2300 counter comment "nat tcp"
  }
  chain f {
    type filter hook output priority 0
    udp dport 2302 ct state new counter comment "new"
    udp dport 2302 ct state established counter comment "established"
    udp sport 2302 ct state established counter comment "reply"
  }
}`;
const netns = hasTool('conntrack') && hasTool('nft') ? await openNetns() : undefined;
afterAll(() => netns?.close());
netns?.run(`ip link set lo up\nnft -f - <<RULES\n${RULES}\nRULES`);

/** Runs a script of Node.js in the namespace: `list(arguments)` prints what conntrack -L finds. */
function listings(script: string): Explained[] {
  const list =
    'const list = (which) => process.stdout.write(require("child_process").execSync("conntrack -L " + which + " 2>/dev/null"));';
  const out = netns!.run(`exec ${process.execPath} -e '${list}${script}'`);
  return [...explainPasted(out)];
}

/** Packets of the rule with this comment. */
function counted(comment: string): number {
  const rules = netns!.run('nft list table ip t');
  const line = rules.split('\n').find((one) => one.includes(`comment "${comment}"`));
  return Number(/packets (\d+)/.exec(line ?? '')?.[1]);
}

describe.skipIf(netns === undefined)('the next packet', () => {
  it('of a flow without a reply is new to rules, but the nat chains are not run for it', () => {
    const [told] = listings(`
      const dgram = require("dgram");
      const server = dgram.createSocket("udp4");
      const client = dgram.createSocket("udp4");
      let count = 0;
      server.on("message", (_, from) => {
        if (++count < 4) return client.send("x", 2301, "127.0.0.1");
        if (count === 4) list("-p udp --dport 2301");
        if (count === 4) server.send("y", from.port, from.address);
        else process.exit(0);
      });
      client.on("message", () => client.send("z", 2301, "127.0.0.1"));
      server.bind(2302, "127.0.0.1", () => client.send("x", 2301, "127.0.0.1"));`);
    expect(told?.title).toMatch(/unreplied, destination port changed to 2302$/);
    expect(told?.next[0]).toMatch(/leaves as 127.0.0.1:\d+ > 127.0.0.1:2302; ct state new/);
    expect(told?.next[1]).toMatch(
      /must come as 127.0.0.1:2302 > 127.0.0.1:\d+ and leaves as 127.0.0.1:2301/,
    );
    expect({
      nat: counted('nat udp'),
      new: counted('new'),
      established: counted('established'),
      reply: counted('reply'),
    }).toEqual({ nat: 1, new: 4, established: 1, reply: 1 });
  });

  it('of a closed TCP flow, a SYN, has the nat chains run once more', () => {
    const [first, second] = listings(`
      const net = require("net");
      const server = net.createServer((socket) => socket.end());
      const talk = (then) => {
        const client = net.connect({ port: 2300, host: "127.0.0.1", localPort: 4100 });
        client.on("close", () => { list("-p tcp --sport 4100"); then(); });
        client.resume();
      };
      server.listen(2300, "127.0.0.1", () => talk(() => talk(() => process.exit(0))));`);
    for (const told of [first, second]) {
      expect(told?.title).toBe('tcp 127.0.0.1:4100 > 127.0.0.1:2300, TIME_WAIT, no NAT');
      expect(told?.next[2]).toContain('the nat chains are run once more');
    }
    expect(counted('nat tcp')).toBe(2);
  });
});
