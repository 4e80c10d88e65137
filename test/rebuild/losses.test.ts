/** What a lost record makes of a row: told as torn or unknown, never glued, never guessed. */
import { describe, expect, it } from 'vitest';
import { Status } from '../../src/model/codes.ts';
import { RecordFlag, RecordKind } from '../../src/wire/layout.ts';
import { columnsOf, type Row, rebuilt, Script, wayOf } from './script.ts';
import {
  AFTER_DNAT,
  ASKED,
  ESTABLISHED,
  firstForwarded,
  laterForwarded,
  MAPPED,
  NEW,
  REPLY,
  RULES,
  replyForwarded,
  SENT,
} from './traffic.ts';

const FLOW = 0x0200_0000_0007n;
const SKB = 0xffff_8881_0000_aa00n;
const { packetConntrackRan: RAN, packetHadEntry: HAD, packetIsTorn: TORN } = RecordFlag;

function kindOf(record: Buffer): number {
  return record.readUInt8(34);
}

describe('the first packet of a flow', () => {
  const script = new Script({ skb: SKB });
  firstForwarded(script, { flow: FLOW });
  laterForwarded(script, { flow: FLOW });

  it('is told with the tuples of its entry', () => {
    expect(script.records.map(kindOf)).toEqual([
      RecordKind.flow,
      RecordKind.flow,
      RecordKind.traversal,
      RecordKind.traversal,
    ]);
  });

  it('without the original tuple has none, and what rules decided is known all the same', () => {
    const { packets, flows } = rebuilt(script.records.slice(1));
    expect(packets).toMatchObject([
      { src: '::', src_nat: 'rule', dst_nat: 'rule', confirm: 'inserted', complete: false },
      { src: '::', src_nat: 'unknown', dst_nat: 'unknown', complete: false },
    ]);
    expect(flows).toMatchObject([{ complete: false, src_nat: 'rule', confirm: 'inserted' }]);
  });

  it('without the reply tuple left as nobody knows', () => {
    const { packets, flows } = rebuilt(script.records.filter((_, index) => index !== 1));
    expect(packets).toMatchObject([
      { src: ASKED.src, src_nat: 'rule', dst_nat: 'rule', complete: false },
      { src: ASKED.src, src_nat: 'unknown', dst_nat: 'unknown', complete: false },
    ]);
    expect(flows).toMatchObject([{ complete: false }]);
  });

  it('without both, its flow is told by its packets alone', () => {
    const { flows } = rebuilt(script.records.slice(2));
    expect(flows).toMatchObject([
      {
        packets: 2n,
        complete: false,
        confirm: 'unknown',
        src_nat: 'unknown',
        dst_nat: 'unknown',
      },
    ]);
  });

  it('that is lost leaves its flow whole', () => {
    const { packets, flows } = rebuilt(script.records.filter((_, index) => index !== 2));
    expect(packets).toHaveLength(1);
    expect(flows).toMatchObject([{ packets: 1n, confirm: 'inserted', complete: true }]);
  });
});

describe('a packet with tuples of its own', () => {
  function without(...kinds: number[]): Row {
    const script = new Script({ skb: SKB });
    script.flow(ASKED, REPLY, { flow: FLOW, isOlder: true, status: MAPPED });
    laterForwarded(script, { flow: FLOW }, { came: ASKED, left: SENT });
    const records = script.records.filter((record) => !kinds.includes(kindOf(record)));
    return rebuilt(records).packets[0]!;
  }
  const UNKNOWN = { src_nat: 'unknown', dst_nat: 'unknown', complete: false };

  it('says what was mapped', () => {
    expect(without()).toMatchObject({ src_nat: 'mapping', dst_nat: 'mapping', complete: true });
  });

  it('leaves unknown what was rewritten, where it is not known how it left', () => {
    expect(without(RecordKind.left)).toMatchObject({ src: ASKED.src, ...UNKNOWN });
  });

  it('leaves unknown what was rewritten, where it is not known how it came', () => {
    const row = without(RecordKind.came);
    expect(row).toMatchObject({ src: '::', src_after: SENT.src, ...UNKNOWN });
  });

  it('leaves all unknown where neither is known', () => {
    const row = without(RecordKind.came, RecordKind.left);
    expect(row).toMatchObject({ src: '::', src_after: '::', ...UNKNOWN });
  });

  it('was not rewritten, though it is not known how it came', () => {
    const script = new Script({ skb: SKB });
    laterForwarded(script, { flow: FLOW }, { came: ASKED, left: undefined as never });
    const [row] = rebuilt(script.records.slice(1)).packets;
    expect(row).toMatchObject({ src_nat: 'none', dst_nat: 'none', complete: false });
  });

  it('of which the first part did not show how it came is never said to be mapped', () => {
    const script = new Script({ skb: SKB });
    const at = { flow: FLOW, ctinfo: ESTABLISHED, status: MAPPED };
    const part = RecordFlag.packetIsPart;
    script.traversal(['prerouting'], { ...at, came: ASKED, flags: RAN | part });
    script.traversal(['postrouting'], { ...at, came: AFTER_DNAT, left: SENT, cpu: 1, flags: HAD });
    const [row] = rebuilt(script.records.slice(1)).packets;
    expect(row).toMatchObject(UNKNOWN);
  });

  it.each([
    ['another sk_buff', { skb: SKB + 256n }],
    ['another CPU', { cpu: 1 }],
  ])('does not take them from %s', (_, other) => {
    const script = new Script({ skb: SKB });
    laterForwarded(script, { flow: FLOW, ...other }, { came: REPLY, left: AFTER_DNAT });
    laterForwarded(script, { flow: FLOW }, { came: ASKED, left: SENT });
    const [came, left, , , , traversal] = script.records;
    for (const [seq, record] of [came!, left!, traversal!].entries()) {
      record.writeUInt32LE(seq + 1, 24);
    }
    const { packets } = rebuilt([came!, left!, traversal!]);
    expect(packets).toMatchObject([{ src: '::', src_after: '::', ...UNKNOWN }]);
  });

  it('does not take them from an earlier packet in the same sk_buff', () => {
    const script = new Script({ skb: SKB });
    laterForwarded(script, { flow: FLOW }, { came: REPLY, left: AFTER_DNAT });
    script.wait(20_000_000n);
    laterForwarded(script, { flow: FLOW }, { came: ASKED, left: SENT });
    const [came, left, first, , , traversal] = script.records;
    const { packets } = rebuilt([came!, left!, first!, traversal!]);
    expect(packets).toMatchObject([
      { src: REPLY.src, complete: true },
      { src: '::', ...UNKNOWN },
    ]);
  });

  it('has the tuple it came with, though a record about its flow stood between', () => {
    const script = new Script({ skb: SKB });
    laterForwarded(script, { flow: FLOW }, { came: ASKED, left: SENT });
    const [came, left, traversal] = script.records;
    expect([came, left, traversal].map((record) => record!.readUInt32LE(24))).toEqual([0, 1, 2]);
    const [row] = rebuilt(script.records).packets;
    expect(row).toMatchObject({ src: ASKED.src, src_after: SENT.src, complete: true });
  });
});

describe('a flow of which only its end arrived', () => {
  it('is not complete: zone and age are not known', () => {
    const script = new Script({ skb: SKB });
    script.end(ASKED, { flow: FLOW, status: MAPPED | Status.dying });
    expect(rebuilt(script.records).flows).toMatchObject([
      { src: ASKED.src, end: 'expired', confirm: 'unknown', complete: false },
    ]);
  });
});

describe('packets at one address', () => {
  /** Two packets of two flows in the same sk_buff, each in two parts; some are lost. */
  function pair(mask: number): Row[] {
    const script = new Script({ skb: SKB });
    for (const flow of [FLOW, FLOW + 1n]) {
      const at = { flow, ctinfo: ESTABLISHED, status: MAPPED };
      const first = { ...at, came: ASKED, left: AFTER_DNAT, in: 2 };
      const flags = RAN | RecordFlag.packetIsPart;
      script.traversal(['prerouting', 'forward'], { ...first, flags });
      script.traversal(['postrouting'], {
        ...at,
        came: AFTER_DNAT,
        left: SENT,
        cpu: 1,
        flags: HAD,
      });
    }
    let part = 0;
    const records = script.records.filter(
      (record) => kindOf(record) !== RecordKind.traversal || (mask >>> part++) % 2 === 0,
    );
    return rebuilt(records).packets;
  }

  it.each(Array.from({ length: 16 }, (_, mask) => mask))('are never glued, mask %i', (mask) => {
    const rows = pair(mask);
    const hooks = (turn: number): number => ((mask >>> (turn * 2)) % 2 === 0 ? 2 : 0);
    const last = (turn: number): number => ((mask >>> (turn * 2 + 1)) % 2 === 0 ? 1 : 0);
    const seen = (flow: bigint): number =>
      rows
        .filter((row) => row.flow === flow)
        .reduce((sum, row) => sum + wayOf(row).split(' ').length, 0);
    expect([seen(FLOW), seen(FLOW + 1n)]).toEqual([0, 1].map((turn) => hooks(turn) + last(turn)));
    const whole = [0, 1].filter((turn) => hooks(turn) + last(turn) === 3);
    const complete = rows.filter((row) => row.complete === true);
    expect(complete.map(({ flow }) => flow)).toEqual(whole.map((turn) => FLOW + BigInt(turn)));
    for (const row of complete) expect(wayOf(row)).toBe('prerouting forward postrouting');
  });
});

describe('a packet', () => {
  it('is torn when it comes in the middle of its way with an entry', () => {
    const script = new Script({ skb: SKB });
    const at = { flow: FLOW, ctinfo: ESTABLISHED, status: Status.confirmed };
    script.traversal(['forward', 'postrouting'], { ...at, came: ASKED, flags: HAD });
    expect(rebuilt(script.records).packets).toMatchObject([{ complete: false }]);
  });

  it('is whole when conntrack is not at work', () => {
    const script = new Script({ skb: SKB });
    script.traversal(['forward'], { came: ASKED });
    expect(rebuilt(script.records).packets).toMatchObject([{ complete: true }]);
  });

  it('is torn where a visit was not seen, whatever follows', () => {
    const script = new Script({ skb: SKB });
    const at = { ctinfo: NEW, flow: FLOW, came: ASKED, in: 2 };
    script.traversal(['prerouting'], { ...at, flags: RAN | TORN });
    script.traversal(['forward', 'postrouting'], { ...at, cpu: 1, flags: HAD });
    script.drop(ASKED, { flow: FLOW });
    expect(columnsOf(rebuilt(script.records).packets, 'complete', 'drop_reason')).toEqual([
      { complete: false, drop_reason: 'REASON_5' },
    ]);
  });
});

it('what is decided in a packet is said of it though its flow was lost', () => {
  const script = new Script({ skb: SKB });
  script.traversal(['prerouting', 'input'], {
    came: ASKED,
    ctinfo: NEW,
    flags: RAN,
    decided: RULES,
  });
  expect(rebuilt(script.records).packets).toMatchObject([
    { src_nat: 'rule', dst_nat: 'rule', flow: null, complete: true },
  ]);
});

it('a reply is not taken for one of the original direction', () => {
  const script = new Script({ skb: SKB });
  script.flow(ASKED, REPLY, { flow: FLOW, isOlder: true, status: MAPPED });
  replyForwarded(script, { flow: FLOW });
  const [row] = rebuilt(script.records.filter((_, index) => index !== 0)).packets;
  expect(row).toMatchObject({ src: REPLY.src, src_nat: 'unknown', complete: false });
});
