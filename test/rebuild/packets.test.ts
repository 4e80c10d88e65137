import { describe, expect, it } from 'vitest';
import { Status } from '../../src/model/codes.ts';
import { Ctinfo, RecordFlag } from '../../src/wire/layout.ts';
import { NETNS, type Row, rebuilt, Script, type Tuple, wayOf } from './script.ts';
import {
  AFTER_DNAT,
  ANSWERED,
  ASKED,
  DROP,
  ESTABLISHED,
  ESTABLISHED_REPLY,
  firstForwarded,
  firstIn,
  firstOut,
  forwardedWithoutEntry,
  inverted,
  laterForwarded,
  MAPPED,
  NEW,
  REPLY,
  RULES,
  replyForwarded,
  SENT,
  UNMAPPED,
} from './traffic.ts';

const { packetConntrackRan: RAN, packetHadEntry: HAD } = RecordFlag;
const FLOW = 0x0100_0000_0007n;
const OTHER = 0x0300_0000_0008n;
const SKB = 0xffff_8881_0000_aa00n;
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
  const script = new Script({ skb: SKB, cpu: 2, mark: 0x8000_0077 });
  firstForwarded(script, { flow: FLOW });
  const replied = script.now + 100n;
  replyForwarded(script, { flow: FLOW });
  laterForwarded(script, { flow: FLOW });
  const { packets, flows } = rebuilt(script.records, { clockOffsetNs: 0xffff_ffff_ffff_f123n });
  const [first, reply, later] = packets as [Row, Row, Row];

  it('makes one whole packet of each way', () => {
    expect(packets.map(wayOf)).toEqual(Array(3).fill('prerouting forward postrouting'));
    expect(packets).toMatchObject(
      [1n, 2n, 3n].map((packet) => ({
        packet,
        complete: true,
        verdict: 'accept',
        last_hook: 'postrouting',
      })),
    );
  });

  it('says where and when it was seen', () => {
    const offset = BigInt.asIntN(64, 0xffff_ffff_ffff_f123n);
    expect(reply).toMatchObject({
      netns: NETNS,
      cpu: 2,
      flow: FLOW,
      mark: 0x8000_0077,
      in_ifindex: 3,
      out_ifindex: 2,
      length: 90,
      family: 4,
      protocol: 17,
      started_ktime_ns: replied,
      started_at: replied + offset,
      prerouting_at: replied + offset,
      forward_at: replied + offset + 200n,
      postrouting_at: replied + offset + 400n,
      prerouting_ns: null,
      forward_ns: null,
      postrouting_ns: 110,
      input_at: null,
      output_at: null,
      input_chains: null,
      input_rewritten: null,
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
    expect([tupleOf(first), tupleOf(first, '_after')]).toEqual([ASKED, SENT]);
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
    expect([tupleOf(reply), tupleOf(reply, '_after')]).toEqual([REPLY, ANSWERED]);
  });

  it('lets the mapping decide about a later packet, by no chain', () => {
    const decided = { direction: 'original', src_nat: 'mapping', dst_nat: 'mapping' };
    expect(later).toMatchObject({ ...decided, state: 'established', chain_runs: 0 });
    expect([tupleOf(later), tupleOf(later, '_after')]).toEqual([ASKED, SENT]);
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
    expect([tupleOf(flows[0]!), tupleOf(flows[0]!, '_reply')]).toEqual([ASKED, REPLY]);
  });
});

/** Original and reply tuple of a flow, and how a packet of each direction leaves. */
const MAPPINGS: [string, { flow: [Tuple, Tuple]; nat: string[]; l4proto?: number }][] = [
  ['dnat alone', { flow: [ASKED, inverted(AFTER_DNAT)], nat: ['none', 'mapping'] }],
  [
    'snat alone',
    {
      flow: [ASKED, { ...inverted(ASKED), dst: '203.0.113.9', dstPort: 61 }],
      nat: ['mapping', 'none'],
    },
  ],
  [
    'a source port alone',
    { flow: [ASKED, { ...ANSWERED, dstPort: 62 }], nat: ['mapping', 'none'] },
  ],
  [
    'a destination port alone',
    { flow: [ASKED, { ...ANSWERED, srcPort: 63 }], nat: ['none', 'mapping'] },
  ],
  ['both', { flow: [ASKED, REPLY], nat: ['mapping', 'mapping'] }],
];

describe.each(MAPPINGS)('a flow with %s', (_, { flow: [original, reply], nat }) => {
  const script = new Script({ skb: SKB });
  script.flow(original, reply, { flow: FLOW, isOlder: true, status: MAPPED });
  laterForwarded(script, { flow: FLOW });
  replyForwarded(script, { flow: FLOW });
  const [there, back] = rebuilt(script.records).packets as [Row, Row];

  it('is rewritten at the ends that were mapped, there', () => {
    expect([tupleOf(there), tupleOf(there, '_after')]).toEqual([original, inverted(reply)]);
    expect([there.src_nat, there.dst_nat]).toEqual(nat);
  });

  it('and at the other ends, back', () => {
    expect([tupleOf(back), tupleOf(back, '_after')]).toEqual([reply, inverted(original)]);
    expect([back.dst_nat, back.src_nat]).toEqual(nat);
  });
});

describe.each([
  ['icmp', 1, 4, 8 * 256, 0],
  ['icmpv6', 58, 6, 128 * 256, 129 * 256],
])('%s', (_, l4proto, family, asked, answered) => {
  const [a, b, c] =
    family === 4 ? ['10.0.1.2', '10.0.1.1', '203.0.113.2'] : ['fd01::2', 'fd01::1', 'fd02::2'];
  const original: Tuple = { src: a!, dst: b!, srcPort: 301, dstPort: asked };
  const reply: Tuple = { src: c!, dst: b!, srcPort: 302, dstPort: answered };
  const script = new Script({ skb: SKB, l4proto, family });
  script.flow(original, reply, { flow: FLOW, isOlder: true, status: MAPPED });
  laterForwarded(script, { flow: FLOW });
  replyForwarded(script, { flow: FLOW });
  const [there, back] = rebuilt(script.records).packets as [Row, Row];

  it('changes its identifier, and keeps type and code', () => {
    expect(tupleOf(there)).toEqual(original);
    expect(tupleOf(there, '_after')).toEqual({ src: b, dst: c, srcPort: 302, dstPort: asked });
    expect(tupleOf(back)).toEqual(reply);
    expect(tupleOf(back, '_after')).toEqual({ src: b, dst: a, srcPort: 301, dstPort: answered });
  });

  it('is mapped at both ends', () => {
    const mapped = { src_nat: 'mapping', dst_nat: 'mapping', protocol: l4proto, family };
    expect([there, back]).toMatchObject([mapped, mapped]);
  });
});

describe('a packet with tuples of its own', () => {
  const RELATED = 4;

  it('has them from the records before it', () => {
    const error: Tuple = { src: '198.51.100.7', dst: '203.0.113.1', srcPort: 0, dstPort: 0x0301 };
    const left = { ...error, dst: '10.0.1.2' };
    const script = new Script({ skb: SKB, cpu: 3 });
    script.flow(ASKED, REPLY, { flow: FLOW, isOlder: true, status: MAPPED });
    replyForwarded(script, { flow: FLOW }, { ctinfo: RELATED, l4proto: 1, came: error, left });
    const [row] = rebuilt(script.records).packets as [Row];
    expect([tupleOf(row), tupleOf(row, '_after')]).toEqual([error, left]);
    expect(row).toMatchObject({
      state: 'related',
      direction: 'reply',
      src_nat: 'none',
      dst_nat: 'mapping',
      protocol: 1,
      complete: true,
    });
  });

  it('left otherwise than its entry says', () => {
    const script = new Script({ skb: SKB });
    script.flow(ASKED, REPLY, { flow: FLOW, isOlder: true, status: MAPPED });
    laterForwarded(script, { flow: FLOW }, { left: AFTER_DNAT, verdict: DROP });
    const [row] = rebuilt(script.records).packets as [Row];
    expect([tupleOf(row), tupleOf(row, '_after')]).toEqual([ASKED, AFTER_DNAT]);
    expect(row).toMatchObject({ src_nat: 'none', dst_nat: 'mapping', complete: true });
  });

  it('may come with one and leave as its entry says', () => {
    const script = new Script({ skb: SKB });
    script.flow(ASKED, REPLY, { flow: FLOW, isOlder: true, status: MAPPED });
    laterForwarded(script, { flow: FLOW }, { came: AFTER_DNAT });
    const [row] = rebuilt(script.records).packets as [Row];
    expect([tupleOf(row), tupleOf(row, '_after')]).toEqual([AFTER_DNAT, SENT]);
    expect(row).toMatchObject({ src_nat: 'mapping', dst_nat: 'none', complete: true });
  });
});

describe('a packet of this host', () => {
  const UNDECIDED = { src_nat: 'null mapping', dst_nat: 'null mapping', chain_runs: 0 };

  it('comes in', () => {
    const rows = scripted((script) => firstIn(script, LOCAL, { flow: FLOW }));
    expect(rows.map(wayOf)).toEqual(['prerouting input']);
    const place = { in_ifindex: 2, out_ifindex: null, confirm: 'inserted', complete: true };
    expect(rows[0]).toMatchObject({ ...UNDECIDED, ...place });
    expect(tupleOf(rows[0]!, '_after')).toEqual(LOCAL);
  });

  it('goes out', () => {
    const rows = scripted((script) => firstOut(script, LOCAL, { flow: FLOW }));
    expect(rows.map(wayOf)).toEqual(['output postrouting']);
    const place = { in_ifindex: null, out_ifindex: 4, confirm: 'inserted', complete: true };
    expect(rows[0]).toMatchObject({ ...UNDECIDED, ...place });
  });
});

describe('a packet', () => {
  it('has interfaces with large numbers', () => {
    const [row] = scripted((script) =>
      forwardedWithoutEntry(script, ASKED, { in: 0x0001_0002, out: 0x7fff_fff3 }),
    );
    expect(row).toMatchObject({ in_ifindex: 0x0001_0002, out_ifindex: 0x7fff_fff3 });
  });

  it('says how long each visit took, where all leaves were probed', () => {
    const script = new Script({ skb: SKB });
    const started = script.now + 100n;
    const enters = [0x1000, 0x9000_0000];
    forwardedWithoutEntry(script, ASKED, { enters, leaves: [0x7ff, 0x1801, 0xa000_0003] });
    expect(rebuilt(script.records).packets[0]).toMatchObject({
      prerouting_at: started,
      forward_at: started + 0x1000n,
      postrouting_at: started + 0x9000_0000n,
      prerouting_ns: 0x7ff,
      forward_ns: 0x801,
      postrouting_ns: 0x1000_0003,
    });
  });

  it('is stolen and never comes back', () => {
    const rows = scripted((script) =>
      script.traversal(['prerouting'], { came: ASKED, verdict: 2, flags: RAN }),
    );
    expect(rows[0]).toMatchObject({ verdict: 'stolen', complete: true });
  });

  it.each([
    ['invalid', RAN, Ctinfo.none],
    ['untracked', RAN, Ctinfo.untracked],
    ['none', 0, Ctinfo.none],
  ])('has state %s', (state, flags, ctinfo) => {
    const rows = scripted((script) => forwardedWithoutEntry(script, ASKED, { flags, ctinfo }));
    expect(rows.map(wayOf)).toEqual(['prerouting forward postrouting']);
    const nowhere = { flow: null, direction: null, complete: true };
    expect(rows[0]).toMatchObject({ state, ...nowhere, src_nat: 'none', dst_nat: 'none' });
    expect(tupleOf(rows[0]!, '_after')).toEqual(ASKED);
  });

  it.each([
    [0, 'established', 'original'],
    [1, 'related', 'original'],
    [2, 'new', 'original'],
    [3, 'established', 'reply'],
    [4, 'related', 'reply'],
  ])('with ctinfo %i is %s in %s direction', (ctinfo, state, direction) => {
    const rows = scripted((script) =>
      script.traversal(['prerouting'], { came: ASKED, flow: FLOW, ctinfo }),
    );
    expect(rows[0]).toMatchObject({ state, direction });
  });

  it('that is a fragment has no ports', () => {
    const piece = { ...ASKED, srcPort: 0, dstPort: 0 };
    const flags = RecordFlag.packetNoPorts;
    const rows = scripted((script) => forwardedWithoutEntry(script, piece, { flags }));
    expect(tupleOf(rows[0]!)).toEqual(piece);
  });

  it('is dropped inside forward, as the tuple that prerouting made', () => {
    const script = new Script({ skb: SKB });
    const status = Status.dstNat | Status.dstNatDone;
    const decided = RecordFlag.flowDstRule;
    script.traversal(['prerouting', 'forward'], {
      flow: FLOW,
      ctinfo: NEW,
      status,
      verdict: DROP,
      came: ASKED,
      left: AFTER_DNAT,
      flags: RAN,
      chains: ['prerouting'],
      rewritten: ['prerouting'],
      decided,
    });
    script.drop(AFTER_DNAT, { flow: FLOW });
    script.flow(ASKED, inverted(AFTER_DNAT), { flow: FLOW, status, decided });
    script.end(ASKED, { flow: FLOW, isUnconfirmed: true, status });
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
    expect(flows[0]).toMatchObject({
      end: 'never confirmed',
      confirm: 'none',
      dst_nat: 'rule',
      packets: 1n,
      complete: true,
    });
  });

  it('that lost a clash belongs to the winner, and the counts with it', () => {
    const script = new Script({ skb: SKB });
    const nulls = RecordFlag.flowSrcNull | RecordFlag.flowDstNull;
    const packet = { ctinfo: NEW, status: UNMAPPED, flags: RAN, chains: ['output'] as const };
    firstOut(script, LOCAL, { flow: OTHER, cpu: 1, skb: SKB + 256n });
    script.merged(LOCAL, { flow: FLOW, status: UNMAPPED });
    script.end(LOCAL, { flow: FLOW, isUnconfirmed: true, status: Status.srcNatDone });
    script.traversal(['output', 'postrouting'], {
      ...packet,
      flow: OTHER,
      decided: nulls,
      confirm: 'merged',
      out: 4,
    });
    const { packets, flows } = rebuilt(script.records);
    const whole = { flow: OTHER, src_nat: 'null mapping', complete: true };
    expect(packets).toMatchObject([
      { ...whole, confirm: 'inserted' },
      { ...whole, confirm: 'merged' },
    ]);
    expect(flows).toMatchObject([
      { flow: FLOW, confirm: 'merged', packets: 0n, bytes: 0n, chain_packets: 0n },
      { flow: OTHER, confirm: 'inserted', packets: 2n, bytes: 120n, chain_packets: 1n },
    ]);
  });
});

describe('visits of one packet on two CPUs', () => {
  const part = RecordFlag.packetIsPart;
  const at = { flow: FLOW, ctinfo: ESTABLISHED, status: MAPPED };

  function joined(between: (script: Script) => void = () => undefined) {
    const script = new Script({ skb: SKB });
    script.flow(ASKED, REPLY, { flow: FLOW, isOlder: true, status: MAPPED });
    script.traversal(['prerouting'], { came: ASKED, cpu: 1, flags: RAN | part, in: 2 });
    between(script);
    const rest = { came: AFTER_DNAT, left: SENT, cpu: 4, flags: HAD, in: 2, out: 3 };
    script.traversal(['forward', 'postrouting'], { ...at, ...rest, mark: 0x55 });
    return rebuilt(script.records);
  }

  it('are one row, and count once', () => {
    const { packets, flows } = joined();
    expect(packets.map(wayOf)).toEqual(['prerouting forward postrouting']);
    expect([tupleOf(packets[0]!), tupleOf(packets[0]!, '_after')]).toEqual([ASKED, SENT]);
    expect(packets[0]).toMatchObject({
      cpu: 1,
      flow: FLOW,
      src_nat: 'mapping',
      dst_nat: 'mapping',
      state: 'established',
      mark: 0x55,
      out_ifindex: 3,
      complete: true,
    });
    expect(flows[0]).toMatchObject({ packets: 1n, bytes: 60n, mapped_packets: 1n });
  });

  it('are two torn ones where too much time is between them', () => {
    const { packets } = joined((script) => script.wait(10_000_001n));
    expect(packets.map(wayOf)).toEqual(['prerouting', 'forward postrouting']);
    expect(packets.map(({ complete }) => complete)).toEqual([false, false]);
  });

  it('is not finished where only the first part is seen', () => {
    const rows = scripted((script) =>
      script.traversal(['prerouting'], { came: ASKED, flags: RAN | part }),
    );
    expect(rows[0]).toMatchObject({ complete: false, state: 'invalid' });
  });

  it('is all there is to see where conntrack is not at work', () => {
    const rows = scripted((script) =>
      script.traversal(['prerouting'], { came: ASKED, flags: part }),
    );
    expect(rows[0]).toMatchObject({ complete: true, state: 'none' });
  });

  it('count the chains of both', () => {
    const script = new Script({ skb: SKB });
    const first = { ...at, ctinfo: NEW, flags: RAN | part, chains: ['prerouting'] as const };
    script.flow(ASKED, REPLY, { flow: FLOW, decided: RULES, status: MAPPED, confirmed: 1 });
    script.traversal(['prerouting'], {
      ...first,
      left: AFTER_DNAT,
      decided: RecordFlag.flowDstRule,
    });
    const rest = { came: AFTER_DNAT, left: SENT, cpu: 4, flags: HAD, in: 2, out: 3 };
    const second = { ...at, ...rest, ctinfo: NEW, chains: ['postrouting'] as const };
    script.traversal(['postrouting'], { ...second, decided: RULES, confirm: 'inserted' });
    const { packets, flows } = rebuilt(script.records);
    expect(packets).toHaveLength(1);
    expect(packets[0]).toMatchObject({ chain_runs: 2, src_nat: 'rule', dst_nat: 'rule' });
    expect(flows[0]).toMatchObject({ packets: 1n, chain_packets: 1n, mapped_packets: 0n });
  });
});

it('counts chains and mappings of the part that has them', () => {
  const script = new Script({ skb: SKB });
  const part = RecordFlag.packetIsPart;
  const at = { flow: FLOW, ctinfo: ESTABLISHED, status: MAPPED };
  script.flow(ASKED, REPLY, { flow: FLOW, isOlder: true, status: MAPPED });
  script.traversal(['prerouting'], { ...at, flags: RAN | part });
  const chains = ['postrouting'] as const;
  script.traversal(['postrouting'], { ...at, came: ASKED, left: SENT, cpu: 4, flags: HAD, chains });
  const { flows } = rebuilt(script.records);
  expect(flows[0]).toMatchObject({ packets: 1n, chain_packets: 1n, mapped_packets: 1n });
});

it('a forwarded packet that comes back by the interface it left by is another one', () => {
  const rows = scripted((script) => {
    script.flow(ASKED, REPLY, { flow: FLOW, isOlder: true, status: MAPPED });
    const at = { flow: FLOW };
    laterForwarded(script, at, { out: 7 });
    laterForwarded(script, at, { in: 7, flags: RAN | HAD });
  });
  expect(rows.map(wayOf)).toEqual(Array(2).fill('prerouting forward postrouting'));
});

describe('loopback', () => {
  const LO = 1;

  function looped(back: Parameters<Script['traversal']>[1], out = LO) {
    const script = new Script({ skb: SKB });
    firstOut(script, LOCAL, { flow: FLOW }, out);
    script.wait(3_000n);
    const place = { flow: FLOW, ctinfo: NEW, status: UNMAPPED, in: LO };
    script.traversal(['prerouting', 'input'], { ...place, flags: HAD | RAN, ...back });
    return rebuilt(script.records);
  }

  it('is one packet of four visits', () => {
    const { packets, flows } = looped({ mark: 0x66 });
    expect(packets.map(wayOf)).toEqual(['output postrouting prerouting input']);
    expect(packets[0]).toMatchObject({
      complete: true,
      confirm: 'inserted',
      last_hook: 'input',
      in_ifindex: LO,
      out_ifindex: LO,
      mark: 0x66,
      src_nat: 'null mapping',
    });
    expect(flows[0]).toMatchObject({ packets: 1n, bytes: 60n });
  });

  it.each([
    ['the interface back is another one', { in: 2 }],
    ['the packet came without an entry', { flags: RAN }],
    ['the flow is another one', { flow: OTHER, came: LOCAL }],
    ['the namespace is another one', { netns: NETNS + 1 }],
  ])('is two packets where %s', (_, back) => {
    expect(looped(back).packets.map(wayOf)).toEqual(['output postrouting', 'prerouting input']);
  });
});

it('an answer over loopback is not the question that went before it', () => {
  const rows = scripted((script) => {
    firstOut(script, LOCAL, { flow: FLOW }, 1);
    const back = { flow: FLOW, ctinfo: ESTABLISHED_REPLY, status: UNMAPPED, out: 1 };
    script.traversal(['output', 'postrouting'], back);
  });
  expect(rows).toMatchObject([{ direction: 'original' }, { direction: 'reply' }]);
});
