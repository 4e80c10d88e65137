import { describe, expect, it } from 'vitest';
import { Status } from '../../src/model/codes.ts';
import { Ctinfo, RecordFlag } from '../../src/wire/layout.ts';
import { columnsOf, NETNS, type Row, rebuilt, Script, type Tuple, wayOf } from './script.ts';
import {
  AFTER_DNAT,
  ANSWERED,
  ASKED,
  DROP,
  firstForwarded,
  firstIn,
  firstOut,
  forwardedWithoutEntry,
  inverted,
  laterForwarded,
  nullBegun,
  REPLY,
  replyForwarded,
  SENT,
  UNCONFIRMED,
} from './traffic.ts';

const { visitConntrackRan: RAN, visitHadEntry: HAD } = RecordFlag;
const FLOW = 0x0100_0000_0007n;
const OTHER = 0x0300_0000_0008n;
const SKB = 0xffff_8881_0000_aa00n;
const NEW = 2;
const LOCAL: Tuple = { src: '192.0.2.1', dst: '192.0.2.9', srcPort: 4000, dstPort: 53 };

function scripted(write: (script: Script) => void): Row[] {
  const script = new Script({ skb: SKB });
  write(script);
  return rebuilt(script.records).packets;
}

/** The tuple columns of a row, as they would stand in a line. */
function tupleOf(row: Row, suffix = ''): Tuple {
  const [src, dst, srcPort, dstPort] = ['src', 'dst', 'src_port', 'dst_port'].map(
    (name) => row[name + suffix],
  );
  return { src: String(src), dst: String(dst), srcPort: Number(srcPort), dstPort: Number(dstPort) };
}

describe('a forwarded flow with dnat and masquerade', () => {
  const script = new Script({ skb: SKB, cpu: 2, mark: 0x77 });
  const started = script.now + 100n;
  firstForwarded(script, { flow: FLOW });
  replyForwarded(script, { flow: FLOW });
  laterForwarded(script, { flow: FLOW });
  const { packets, flows } = rebuilt(script.records);
  const [first, reply, later] = packets as [Row, Row, Row];

  it('makes one whole packet of each way', () => {
    expect(packets.map(wayOf)).toEqual(Array(3).fill('prerouting forward postrouting'));
    expect(columnsOf(packets, 'packet', 'complete', 'verdict', 'last_hook')).toEqual(
      [1n, 2n, 3n].map((packet) => ({
        packet,
        complete: true,
        verdict: 'accept',
        last_hook: 'postrouting',
      })),
    );
  });

  it('says where and when it was seen', () => {
    expect(first).toMatchObject({
      netns: NETNS,
      cpu: 2,
      flow: FLOW,
      mark: 0x77,
      in_ifindex: 2,
      out_ifindex: 3,
      length: 60,
      family: 4,
      protocol: 17,
      started_ktime_ns: started,
      prerouting_at: started,
      prerouting_ns: 500,
      forward_ns: 100,
      input_at: null,
      output_at: null,
    });
  });

  it('lets rules decide about the first packet', () => {
    expect(first).toMatchObject({
      state: 'new',
      direction: 'original',
      src_nat: 'rule',
      dst_nat: 'rule',
      chain_runs: 2,
      prerouting_chains: true,
      forward_chains: false,
      postrouting_chains: true,
      prerouting_rewritten: true,
      forward_rewritten: false,
      postrouting_rewritten: true,
      confirm: 'inserted',
    });
    expect(tupleOf(first)).toEqual(ASKED);
    expect(tupleOf(first, '_after')).toEqual(SENT);
  });

  it('lets the mapping decide about the reply, by no chain', () => {
    expect(reply).toMatchObject({
      state: 'established',
      direction: 'reply',
      src_nat: 'mapping',
      dst_nat: 'mapping',
      chain_runs: 0,
      confirm: 'none',
    });
    expect(tupleOf(reply)).toEqual(REPLY);
    expect(tupleOf(reply, '_after')).toEqual(ANSWERED);
  });

  it('lets the mapping decide about a later packet, by no chain', () => {
    expect(later).toMatchObject({
      state: 'established',
      direction: 'original',
      src_nat: 'mapping',
      dst_nat: 'mapping',
      chain_runs: 0,
      confirm: 'none',
    });
    expect(tupleOf(later, '_after')).toEqual(SENT);
  });

  it('adds the packets up in the flow', () => {
    expect(flows).toHaveLength(1);
    expect(flows[0]).toMatchObject({
      flow: FLOW,
      packets: 2n,
      packets_reply: 1n,
      bytes: 120n,
      bytes_reply: 90n,
      chain_packets: 1n,
      mapped_packets: 2n,
      src_nat: 'rule',
      dst_nat: 'rule',
      confirm: 'inserted',
      older: false,
      complete: true,
    });
    expect(tupleOf(flows[0]!)).toEqual(ASKED);
    expect(tupleOf(flows[0]!, '_reply')).toEqual(REPLY);
  });
});

describe('a packet of this host', () => {
  it('comes in', () => {
    const rows = scripted((script) => firstIn(script, LOCAL, { flow: FLOW }));
    expect(rows.map(wayOf)).toEqual(['prerouting input']);
    expect(rows[0]).toMatchObject({
      src_nat: 'null mapping',
      dst_nat: 'null mapping',
      chain_runs: 0,
      confirm: 'inserted',
      in_ifindex: 2,
      out_ifindex: null,
      complete: true,
    });
  });

  it('goes out', () => {
    const rows = scripted((script) => firstOut(script, LOCAL, { flow: FLOW }));
    expect(rows.map(wayOf)).toEqual(['output postrouting']);
    expect(rows[0]).toMatchObject({
      confirm: 'inserted',
      in_ifindex: null,
      out_ifindex: 4,
      complete: true,
    });
  });

  it('is one packet of four visits over loopback', () => {
    const script = new Script({ skb: SKB });
    firstOut(script, LOCAL, { flow: FLOW }, 1);
    const back = { flow: FLOW, ctinfo: NEW, ifindex: 1, flags: HAD, status: 0x188 };
    script.visit('prerouting', LOCAL, { ...back, flags: HAD | RAN });
    script.visit('input', LOCAL, back);
    const { packets, flows } = rebuilt(script.records);
    expect(packets.map(wayOf)).toEqual(['output postrouting prerouting input']);
    expect(packets[0]).toMatchObject({ complete: true, confirm: 'inserted', last_hook: 'input' });
    expect(flows[0]).toMatchObject({ packets: 1n });
  });

  it('is two packets where the interface back is another one', () => {
    const rows = scripted((script) => {
      firstOut(script, LOCAL, { flow: FLOW }, 1);
      const back = { flow: FLOW, ctinfo: NEW, ifindex: 2, flags: HAD, status: 0x188 };
      script.visit('prerouting', LOCAL, { ...back, flags: RAN });
      script.visit('input', LOCAL, back);
    });
    expect(rows.map(wayOf)).toEqual(['output postrouting', 'prerouting input']);
  });
});

describe('the same sk_buff', () => {
  it('is another packet in another namespace', () => {
    const rows = scripted((script) => {
      firstOut(script, LOCAL, { flow: FLOW, netns: NETNS });
      firstIn(script, LOCAL, { flow: OTHER, netns: NETNS + 1 });
    });
    expect(columnsOf(rows, 'netns', 'flow', 'complete')).toEqual([
      { netns: NETNS, flow: FLOW, complete: true },
      { netns: NETNS + 1, flow: OTHER, complete: true },
    ]);
  });

  it('is another packet in another namespace, though the hooks would follow', () => {
    const rows = scripted((script) => {
      script.visit('prerouting', ASKED);
      script.visit('input', ASKED, { netns: NETNS + 1 });
    });
    expect(columnsOf(rows, 'netns', 'last_hook')).toEqual([
      { netns: NETNS, last_hook: 'prerouting' },
      { netns: NETNS + 1, last_hook: 'input' },
    ]);
  });

  it('is another packet after a drop, though no drop record tells of it', () => {
    const rows = scripted((script) => {
      script.visit('prerouting', ASKED, { verdict: DROP });
      script.visit('input', LOCAL);
    });
    expect(columnsOf(rows, 'src', 'verdict')).toEqual([
      { src: ASKED.src, verdict: 'drop' },
      { src: LOCAL.src, verdict: 'accept' },
    ]);
  });

  it('is another packet as soon as a way begins anew', () => {
    const rows = scripted((script) => {
      for (let turn = 0; turn < 3; turn++) replyForwarded(script, { flow: FLOW });
    });
    expect(rows.map(wayOf)).toEqual(Array(3).fill('prerouting forward postrouting'));
    expect(rows.every((row) => row.complete === true)).toBe(true);
  });

  it('is another packet of another flow, though the hooks would follow', () => {
    const rows = scripted((script) => {
      script.visit('prerouting', ASKED, { flow: FLOW, ctinfo: NEW, flags: RAN });
      script.visit('postrouting', LOCAL, { flow: OTHER, ctinfo: 0, flags: HAD });
    });
    expect(columnsOf(rows, 'flow', 'complete')).toEqual([
      { flow: FLOW, complete: false },
      { flow: OTHER, complete: false },
    ]);
  });

  it('is another packet once it was freed, though the hooks would follow', () => {
    const rows = scripted((script) => {
      script.visit('prerouting', ASKED, { flags: RAN });
      script.drop(ASKED);
      script.wait(1_000n);
      script.visit('input', LOCAL, { flags: 0 });
    });
    expect(columnsOf(rows, 'src', 'drop_reason', 'last_hook')).toEqual([
      { src: ASKED.src, drop_reason: 'REASON_5', last_hook: 'prerouting' },
      { src: LOCAL.src, drop_reason: null, last_hook: 'input' },
    ]);
  });
});

describe('a dropped packet', () => {
  const dropped = { verdict: DROP, flow: FLOW, ctinfo: NEW, status: 0 };

  it('is dropped inside its first visit: the drop comes first', () => {
    const rows = scripted((script) => {
      script.visit('prerouting', ASKED, {
        ...dropped,
        flags: RAN,
        during: () => script.drop(ASKED, { reason: 5, location: 0x8200_0001 }),
      });
    });
    expect(columnsOf(rows, 'verdict', 'drop_reason', 'drop_location', 'complete')).toEqual([
      { verdict: 'drop', drop_reason: 'REASON_5', drop_location: 'at_82000001', complete: true },
    ]);
  });

  it('is dropped inside forward, as the tuple that prerouting made', () => {
    const script = new Script({ skb: SKB });
    script.visit('prerouting', AFTER_DNAT, {
      flow: FLOW,
      ctinfo: NEW,
      status: UNCONFIRMED,
      from: ASKED,
      flags: RAN | RecordFlag.visitChainsRan,
      during: () => {
        script.flow(ASKED, ANSWERED, { flow: FLOW });
        script.mapping('dst', inverted(AFTER_DNAT), { flow: FLOW, status: UNCONFIRMED });
      },
    });
    script.visit('forward', AFTER_DNAT, {
      ...dropped,
      flags: HAD,
      during: () => {
        script.drop(AFTER_DNAT, { flow: FLOW });
        script.end(ASKED, { flow: FLOW, isUnconfirmed: true, status: UNCONFIRMED });
      },
    });
    const { packets, flows } = rebuilt(script.records);
    expect(packets.map(wayOf)).toEqual(['prerouting forward']);
    expect(packets[0]).toMatchObject({
      verdict: 'drop',
      drop_reason: 'REASON_5',
      dst_nat: 'rule',
      src_nat: 'none',
      confirm: 'none',
      complete: true,
    });
    expect(flows[0]).toMatchObject({ end: 'never confirmed', confirm: 'none', complete: true });
  });

  it('is dropped behind input, by the socket', () => {
    const rows = scripted((script) => {
      firstIn(script, LOCAL, { flow: FLOW });
      script.wait(2_000_000n);
      script.drop(LOCAL, { flow: FLOW, reason: 3 });
    });
    expect(columnsOf(rows, 'verdict', 'drop_reason', 'complete')).toEqual([
      { verdict: 'accept', drop_reason: 'REASON_3', complete: true },
    ]);
  });

  it('is dropped between two hooks, by routing', () => {
    const rows = scripted((script) => {
      script.visit('prerouting', ASKED, { flow: FLOW, ctinfo: NEW, flags: RAN });
      script.drop(ASKED, { flow: FLOW, reason: 11 });
    });
    expect(columnsOf(rows, 'drop_reason', 'complete')).toEqual([
      { drop_reason: 'REASON_11', complete: true },
    ]);
  });

  it('keeps its own reason when many at one address are dropped in turn', () => {
    const rows = scripted((script) => {
      for (let reason = 1; reason <= 4; reason++) {
        script.visit('prerouting', ASKED, {
          verdict: DROP,
          during: () => script.drop(ASKED, { reason, location: 0x8200_0000 + reason }),
        });
      }
    });
    expect(columnsOf(rows, 'drop_reason', 'drop_location')).toEqual(
      [1, 2, 3, 4].map((n) => ({ drop_reason: `REASON_${n}`, drop_location: `at_8200000${n}` })),
    );
  });

  it('leaves the earlier packet at its address alone', () => {
    const rows = scripted((script) => {
      firstIn(script, LOCAL, { flow: FLOW });
      script.visit('prerouting', ASKED, {
        verdict: DROP,
        flags: RAN,
        during: () => script.drop(ASKED, { reason: 7 }),
      });
    });
    expect(columnsOf(rows, 'src', 'drop_reason')).toEqual([
      { src: LOCAL.src, drop_reason: null },
      { src: ASKED.src, drop_reason: 'REASON_7' },
    ]);
  });

  it('leaves it alone too when its own visit was lost', () => {
    const rows = scripted((script) => {
      firstIn(script, LOCAL, { flow: FLOW });
      script.drop(ASKED, { reason: 7 });
      script.lose();
    });
    expect(columnsOf(rows, 'src', 'drop_reason')).toEqual([{ src: LOCAL.src, drop_reason: null }]);
  });

  it('leaves a later user of its address alone, when no visit was seen of it', () => {
    const rows = scripted((script) => {
      script.drop(ASKED, { reason: 7 });
      script.wait(1_000n);
      firstIn(script, LOCAL, { flow: FLOW });
    });
    expect(columnsOf(rows, 'src', 'drop_reason', 'complete')).toEqual([
      { src: LOCAL.src, drop_reason: null, complete: true },
    ]);
  });

  it('in another namespace is another packet', () => {
    const rows = scripted((script) => {
      firstOut(script, LOCAL, { flow: FLOW });
      script.drop(LOCAL, { netns: NETNS + 1, reason: 7 });
    });
    expect(columnsOf(rows, 'drop_reason')).toEqual([{ drop_reason: null }]);
  });

  it('in no namespace known belongs to the packet of its tuple', () => {
    const rows = scripted((script) => {
      firstOut(script, LOCAL, { flow: FLOW });
      script.drop(LOCAL, { netns: 0, reason: 7 });
    });
    expect(columnsOf(rows, 'drop_reason')).toEqual([{ drop_reason: 'REASON_7' }]);
  });

  it('does not wait as long as a packet that is still on its way', () => {
    const script = new Script();
    for (let n = 0; n < 200; n++) {
      script.visit('prerouting', ASKED, { skb: BigInt(1 + n), flags: RAN });
      script.drop(ASKED, { skb: BigInt(1 + n) });
      script.wait(1_000_000n);
    }
    const { packets, rebuild } = rebuilt(script.records, { packetLimit: 100 });
    expect(packets).toHaveLength(200);
    expect(rebuild.evicted.packets).toBe(0);
  });
});

describe('a packet', () => {
  it('is stolen and goes on later', () => {
    const rows = scripted((script) => {
      const at = { flow: FLOW, ctinfo: 0, status: Status.confirmed };
      script.visit('prerouting', ASKED, { ...at, flags: RAN });
      script.visit('forward', ASKED, { ...at, flags: HAD, verdict: 2 });
      script.wait(3_900_000_000n);
      for (let n = 0; n < 70; n++) script.visit('prerouting', LOCAL, { skb: 1n });
      script.visit('postrouting', ASKED, { ...at, flags: HAD });
    });
    const held = rows.filter((row) => row.flow === FLOW);
    expect(held.map(wayOf)).toEqual(['prerouting forward postrouting']);
    expect(held[0]).toMatchObject({ verdict: 'accept', complete: true });
  });

  it('is stolen and never comes back', () => {
    const rows = scripted((script) =>
      script.visit('prerouting', ASKED, { verdict: 2, flags: RAN }),
    );
    expect(columnsOf(rows, 'verdict', 'complete')).toEqual([{ verdict: 'stolen', complete: true }]);
  });

  it.each([
    ['invalid', RAN, Ctinfo.none, null],
    ['untracked', RAN, Ctinfo.untracked, null],
    ['none', 0, Ctinfo.none, null],
  ])('has state %s', (state, flags, ctinfo, flow) => {
    const rows = scripted((script) => forwardedWithoutEntry(script, ASKED, { flags, ctinfo }));
    // only the first visit of this packet has the flag
    expect(rows.map(wayOf)).toEqual(['prerouting forward postrouting']);
    expect(rows[0]).toMatchObject({ state, flow, direction: null, complete: true });
  });

  it.each([
    [0, 'established', 'original'],
    [1, 'related', 'original'],
    [2, 'new', 'original'],
    [3, 'established', 'reply'],
    [4, 'related', 'reply'],
  ])('with ctinfo %i is %s in %s direction', (ctinfo, state, direction) => {
    const rows = scripted((script) => script.visit('prerouting', ASKED, { flow: FLOW, ctinfo }));
    expect(rows[0]).toMatchObject({ state, direction });
  });

  it.each([
    ['src', { ...ASKED, src: '203.0.113.1' }, 'mapping', 'none'],
    ['src port', { ...ASKED, srcPort: 9 }, 'mapping', 'none'],
    ['dst', { ...ASKED, dst: '203.0.113.2' }, 'none', 'mapping'],
    ['dst port', { ...ASKED, dstPort: 9 }, 'none', 'mapping'],
  ])('of which %s alone is rewritten says so of that end', (_, to, src_nat, dst_nat) => {
    const at = { flow: FLOW, ctinfo: 0, status: Status.confirmed };
    const rows = scripted((script) => script.visit('postrouting', to, { ...at, from: ASKED }));
    expect(rows[0]).toMatchObject({ src_nat, dst_nat });
  });

  it('that is a fragment has no ports', () => {
    const piece = { ...ASKED, srcPort: 0, dstPort: 0 };
    const rows = scripted((script) =>
      forwardedWithoutEntry(script, piece, { flags: RecordFlag.visitNoPorts }),
    );
    expect(rows.map(wayOf)).toEqual(['prerouting forward postrouting']);
    expect(tupleOf(rows[0]!)).toEqual(piece);
  });

  it('that lost a clash belongs to the winner, and the counts with it', () => {
    const script = new Script({ skb: SKB });
    const at = { ctinfo: NEW, status: Status.dstNatDone };
    const begin = (flow: bigint, cpu: number): void =>
      script.visit('output', LOCAL, {
        ...at,
        flow,
        cpu,
        skb: SKB + BigInt(cpu) * 256n,
        flags: RAN | RecordFlag.visitChainsRan,
        during: nullBegun(script, LOCAL, { flow, cpu }),
      });
    begin(FLOW, 0);
    begin(OTHER, 1);
    for (const [flow, cpu] of [
      [OTHER, 1],
      [FLOW, 0],
    ] as const) {
      script.visit('postrouting', LOCAL, {
        ctinfo: NEW,
        status: 0x188,
        flow: OTHER,
        cpu,
        skb: SKB + BigInt(cpu) * 256n,
        flags: HAD,
        during: () => {
          script.mapping('src', inverted(LOCAL), { flow, cpu, isNull: true, status: 0x180 });
          if (flow === OTHER) script.confirm(inverted(LOCAL), { flow, cpu, status: 0x188 });
          else {
            script.confirm(inverted(LOCAL), { flow, cpu, status: 0x188, into: OTHER });
            script.end(LOCAL, { flow, cpu, isUnconfirmed: true, status: 0x180 });
          }
        },
      });
    }
    const { packets, flows } = rebuilt(script.records);
    expect(columnsOf(packets, 'flow', 'confirm', 'src_nat', 'complete')).toEqual([
      { flow: OTHER, confirm: 'inserted', src_nat: 'null mapping', complete: true },
      { flow: OTHER, confirm: 'merged', src_nat: 'null mapping', complete: true },
    ]);
    expect(packets.map(wayOf)).toEqual(['output postrouting', 'output postrouting']);
    const counts = ['flow', 'confirm', 'packets', 'bytes', 'chain_packets', 'complete'];
    expect(columnsOf(flows, ...counts)).toEqual([
      { flow: FLOW, confirm: 'merged', packets: 0n, bytes: 0n, chain_packets: 0n, complete: true },
      {
        flow: OTHER,
        confirm: 'inserted',
        packets: 2n,
        bytes: 120n,
        chain_packets: 2n,
        complete: true,
      },
    ]);
  });
});
