/** What a lost record makes of a row: told as torn or unknown, never glued, never guessed. */
import { describe, expect, it } from 'vitest';
import { Status } from '../../src/model/codes.ts';
import { RecordFlag, RecordKind } from '../../src/wire/layout.ts';
import { columnsOf, type Row, rebuilt, Script, wayOf } from './script.ts';
import { ASKED, firstForwarded, laterForwarded, replyForwarded } from './traffic.ts';

const FLOW = 0x0200_0000_0007n;
const SKB = 0xffff_8881_0000_aa00n;

const scripted = new Script({ skb: SKB });
firstForwarded(scripted, { flow: FLOW });
const FIRST = scripted.records;

/** Which record: its kind, and which of its kind. */
const NAMES = [
  'flow original',
  'flow reply',
  'mapping dst',
  'entered prerouting',
  'visit prerouting',
  'visit forward',
  'mapping src',
  'confirm',
  'entered postrouting',
  'visit postrouting',
];

it('is tried with every record there is', () => {
  expect(FIRST.map((record) => record.readUInt8(34))).toEqual([
    RecordKind.flow,
    RecordKind.flow,
    RecordKind.mapping,
    RecordKind.entered,
    RecordKind.visit,
    RecordKind.visit,
    RecordKind.mapping,
    RecordKind.confirm,
    RecordKind.entered,
    RecordKind.visit,
  ]);
});

function without(name: string): { packets: Row[]; flow: Row } {
  const records = FIRST.filter((_, index) => index !== NAMES.indexOf(name));
  const { packets, flows } = rebuilt(records);
  expect(flows).toHaveLength(1);
  return { packets, flow: flows[0]! };
}

describe.each(NAMES)('without the record %s', (name) => {
  const { packets, flow } = without(name);

  it('the packet is not complete', () => {
    expect(packets).toHaveLength(1);
    expect(packets[0]!.complete).toBe(false);
  });

  it('the flow is complete only if it lost nothing of its own', () => {
    // the reply tuple stands in the confirm record too
    const isOwn = /^(flow original|mapping|confirm)/.test(name);
    expect(flow.complete).toBe(!isOwn);
  });

  it('nobody is said to have decided what no record tells', () => {
    const decided = {
      dst_nat: name === 'mapping dst' ? 'unknown' : 'rule',
      src_nat: name === 'mapping src' ? 'unknown' : 'rule',
      confirm: name === 'confirm' ? 'unknown' : 'inserted',
    };
    const seen = { ...decided };
    // a visit that was lost cannot be told of
    if (name === 'visit prerouting') seen.dst_nat = 'none';
    if (name === 'visit postrouting') Object.assign(seen, { src_nat: 'none', confirm: 'none' });
    expect(packets[0]).toMatchObject(seen);
    expect(flow).toMatchObject(decided);
  });
});

describe('without a visit', () => {
  it.each([
    ['visit prerouting', 'forward postrouting'],
    ['visit forward', 'prerouting postrouting'],
    ['visit postrouting', 'prerouting forward'],
  ])('%s the way has a hole', (name, way) => {
    expect(without(name).packets.map(wayOf)).toEqual([way]);
  });
});

describe('a tuple that entered and was lost', () => {
  const script = new Script({ skb: SKB });
  laterForwarded(script, { flow: FLOW });

  it('leaves unknown which end was rewritten', () => {
    const { packets } = rebuilt(script.records.slice(1));
    expect(columnsOf(packets, 'src_nat', 'dst_nat', 'complete')).toEqual([
      { src_nat: 'unknown', dst_nat: 'unknown', complete: false },
    ]);
  });

  it('is not taken from another packet of that CPU', () => {
    const other = new Script({ skb: SKB + 256n });
    replyForwarded(other, { flow: FLOW });
    const records = [other.records[0]!, ...script.records.slice(1)]; // time and sequence still rise
    const { packets } = rebuilt(records);
    expect(packets[0]).toMatchObject({ src: '10.0.1.2', complete: false });
  });
});

describe('a tuple that entered another visit of the same packet', () => {
  it('is not taken for the one that was lost', () => {
    const script = new Script({ skb: SKB });
    laterForwarded(script, { flow: FLOW });
    const [entered, , forward, , postrouting] = script.records;
    const { packets } = rebuilt([entered!, forward!, postrouting!]);
    expect(packets[0]).toMatchObject({ src_nat: 'unknown', dst_nat: 'unknown', complete: false });
  });
});

describe('a flow of which only mappings and its end arrived', () => {
  it('is not complete: zone and age are not known', () => {
    const script = new Script({ skb: SKB });
    firstForwarded(script, { flow: FLOW });
    script.end(ASKED, { flow: FLOW });
    expect(rebuilt(script.records.slice(2)).flows[0]).toMatchObject({ complete: false });
  });
});

describe('later packets of a flow whose confirmation was lost', () => {
  it('are not said to have had to do with it', () => {
    const script = new Script({ skb: SKB });
    firstForwarded(script, { flow: FLOW });
    replyForwarded(script, { flow: FLOW });
    laterForwarded(script, { flow: FLOW });
    const records = script.records.filter((record) => record.readUInt8(34) !== RecordKind.confirm);
    const { packets } = rebuilt(records);
    expect(packets.map(({ confirm, complete }) => [confirm, complete])).toEqual([
      ['unknown', false],
      ['none', true],
      ['none', true],
    ]);
  });
});

describe('packets at one address', () => {
  /** Two packets of two flows in the same sk_buff; of each some visits are lost. */
  function pair(lost: (hook: number, turn: number) => boolean): Row[] {
    const script = new Script({ skb: SKB });
    replyForwarded(script, { flow: FLOW });
    replyForwarded(script, { flow: FLOW + 1n });
    let visits = 0;
    const records = script.records.filter((record) => {
      const isVisit = record.readUInt8(34) === RecordKind.visit;
      const turn = Math.floor(visits / 3);
      const hook = visits % 3;
      if (isVisit) visits++;
      return !isVisit || !lost(hook, turn);
    });
    return rebuilt(records).packets;
  }

  it.each(Array.from({ length: 64 }, (_, mask) => mask))('are never glued, mask %i', (mask) => {
    const rows = pair((hook, turn) => (mask >>> (turn * 3 + hook)) % 2 === 1);
    const hooksOf = (flow: bigint): number =>
      rows
        .filter((row) => row.flow === flow)
        .reduce((n, row) => n + wayOf(row).split(' ').length, 0);
    const left = (turn: number): number =>
      [0, 1, 2].filter((h) => (mask >>> (turn * 3 + h)) % 2 === 0).length;
    expect([hooksOf(FLOW), hooksOf(FLOW + 1n)]).toEqual([left(0), left(1)]);
    const complete = rows.filter((row) => row.complete === true);
    const whole = [0, 1].filter((turn) => left(turn) === 3);
    expect(complete.length).toBeLessThanOrEqual(whole.length);
    for (const row of complete) expect(wayOf(row)).toBe('prerouting forward postrouting');
  });
});

describe('the first packet seen', () => {
  it('is torn when it comes in the middle of its way with an entry', () => {
    const script = new Script({ skb: SKB });
    const at = { flow: FLOW, ctinfo: 0, status: Status.confirmed };
    script.visit(
      'forward',
      { src: '1.2.3.4', dst: '5.6.7.8', srcPort: 1, dstPort: 2 },
      {
        ...at,
        flags: RecordFlag.visitHadEntry,
      },
    );
    expect(columnsOf(rebuilt(script.records).packets, 'complete')).toEqual([{ complete: false }]);
  });

  it('is torn when it comes in the middle of its way right after a gap', () => {
    const script = new Script({ skb: SKB });
    const tuple = { src: '1.2.3.4', dst: '5.6.7.8', srcPort: 1, dstPort: 2 };
    script.visit('prerouting', tuple, { skb: 1n });
    script.lose();
    script.visit('forward', tuple);
    expect(columnsOf(rebuilt(script.records).packets, 'last_hook', 'complete')).toEqual(
      [
        { last_hook: 'forward', complete: false },
        { last_hook: 'prerouting', complete: true },
      ].reverse(),
    );
  });

  it('is whole when conntrack is not at work and nothing was lost', () => {
    const script = new Script({ skb: SKB });
    const tuple = { src: '1.2.3.4', dst: '5.6.7.8', srcPort: 1, dstPort: 2 };
    script.visit('forward', tuple);
    expect(columnsOf(rebuilt(script.records).packets, 'complete')).toEqual([{ complete: true }]);
  });
});
