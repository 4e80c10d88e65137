import { describe, expect, it } from 'vitest';
import { FlowLives } from '../../src/explain/flow-life.ts';
import { describeLife } from '../../src/explain/flow-text.ts';
import { STATES_TABLE } from '../../src/model/tables.ts';
import { CLOCK_OFFSET, type Row } from '../export/fixtures.ts';
import { BY_RULE, FIRST, LATER, REPLY } from './redirected.ts';
import { ADDRESS, flow, flowsOf, packet, packetsOf, viewOf } from './rows.ts';

const ENDS = { src: ADDRESS('10.0.1.2'), dst: ADDRESS('10.0.1.1'), src_port: 5001, dst_port: 2222 };
const PACKETS = packetsOf(
  { ...FIRST, ...ENDS, confirm: 'inserted' },
  packet(2n, 'output > postrouting rewritten', REPLY),
  packet(3n, 'prerouting rewritten > input', { ...LATER, ...ENDS }),
  packet(4n, 'prerouting > input', { ...LATER, flow: 8n }),
);
const FLOWS = flowsOf(
  flow(7n, { ...BY_RULE, zone: 5, confirmed_at: CLOCK_OFFSET + 3_000n }),
  flow(8n, { dst_port: 2223 }),
);
const NAMES = { netnsName: () => 'router', ruleName: (rule: number) => `rule number ${rule}` };

describe('the life of a flow', () => {
  it('tells its changes of state, and nobody else’s', () => {
    const change = (number: bigint, more: Row): Row => ({
      ...{ flow: number, protocol: 6, ...ENDS, direction: 'reply', packet: 2n },
      ...{ changed_at: CLOCK_OFFSET + 5_000n, since_first_ns: 4_321_000n },
      ...{ reply_before: 'unreplied', reply_after: 'replied', tcp_before: 'syn_sent' },
      ...{ tcp_after: 'syn_recv', ...more },
    });
    const lives = new FlowLives('7');
    lives.addFlows(FLOWS);
    lives.addStates(
      viewOf(STATES_TABLE, [
        change(7n, { reply_before: null, tcp_before: null, tcp_after: 'syn_sent', packet: null }),
        change(8n, {}),
        change(7n, {}),
      ]),
    );
    const [life] = lives.finish();
    expect(life!.changes.map((one) => [one.packet, one.change])).toEqual([
      [null, 'new -> syn_sent, replied'],
      ['2', 'syn_sent -> syn_recv, unreplied -> replied'],
    ]);
    expect(describeLife(life!, NAMES)).toMatch(
      /\n {2}state: \d\d:.*Z? ?syn_sent -> syn_recv, unreplied -> replied \(packet 2, reply, 4321 us\)\n/,
    );
  });

  it('is told by its tuple, packet by packet', () => {
    const lives = new FlowLives('tcp  10.0.1.2:5001 -> 10.0.1.1:2222');
    lives.addPackets(PACKETS);
    lives.addFlows(FLOWS);
    const [life, ...more] = lives.finish();
    expect(more).toEqual([]);
    expect(life!.steps.map(({ packet: number }) => number)).toEqual(['1', '2', '3']);
    expect(life!.mappings[0]).toEqual({
      ...{ manip: 'dst', decidedBy: 'rule', rule: 1, path: null },
      ...{ before: '10.0.1.1:2222', after: '10.0.1.1:9999' },
    });
    const lines = describeLife(life!, NAMES).split('\n  ');
    expect(lines[0]).toMatch(/^flow 7 in router: tcp 10\.0\.1\.2:5001 > 10\.0\.1\.1:2222, reply /);
    expect(lines[1]).toMatch(/^first seen \d\d:\d\d:\d\d\.\d{6}, zone 5$/);
    expect(lines[2]).toBe('dst 10.0.1.1:2222 -> 10.0.1.1:9999: decided by rule number 1');
    expect(lines[4]).toMatch(
      / packet 1 original .* \| prerouting \(nat chains, rewritten\) > input \| new, confirm inserted$/,
    );
    expect(lines.at(-2)).toMatch(/^confirm: inserted \d\d:/);
    expect(lines.at(-1)).toBe('end: open\n');
  });

  it.each(['TCP 10.0.1.1:9999 > 10.0.1.2:5001', 'flow 7'])(
    'is told by %s, all of it',
    (selector) => {
      const lives = new FlowLives(selector);
      lives.addFlows(FLOWS); // as where flows can be read first
      lives.addPackets(PACKETS);
      lives.addFlows(FLOWS);
      const [life] = lives.finish();
      expect(life!.steps.map(({ packet: number }) => number)).toEqual(['1', '2', '3']);
    },
  );

  it('is told by its number, up to fifty packets', () => {
    const lives = new FlowLives('8');
    const many = Array.from({ length: 53 }, (_, i) =>
      packet(BigInt(i + 100), 'prerouting > input', { ...LATER, flow: 8n }),
    );
    lives.addPackets(packetsOf(...many));
    lives.addFlows(FLOWS);
    const [life] = lives.finish();
    expect(life!.steps).toHaveLength(50);
    expect(life!.morePackets).toBe(3);
    expect(describeLife(life!, NAMES)).toContain('\n  and 3 more packets\n');
  });

  it('is refused where there is no such flow, with one that there is', () => {
    const lives = new FlowLives('udp 1.1.1.1:1 > 2.2.2.2:2');
    lives.addFlows(FLOWS);
    expect(() => lives.finish()).toThrow(
      '--flow: found "udp 1.1.1.1:1 > 2.2.2.2:2", no such flow, needed its number or a tuple such as "tcp 10.0.1.2:5001 > 10.0.1.1:2222"',
    );
    expect(() => new FlowLives('9').finish()).toThrow('the trace has no flows');
  });
});
