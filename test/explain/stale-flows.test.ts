import { describe, expect, it } from 'vitest';
import { Evaluator } from '../../src/explain/evaluate.ts';
import { findStale } from '../../src/explain/stale.ts';
import { LOOPBACK, RecordedEntries } from '../../src/explain/stale-flows.ts';
import { CLOCK_OFFSET } from '../export/fixtures.ts';
import { ADDRESS, flow, flowsOf, packet, packetsOf } from './rows.ts';
import { base, is, redirect, rule, ruleset } from './rules.ts';

const NAMES: Readonly<Record<number, string>> = { 2: 'eth0', 3: 'eth1' };
const ADDRESSES = ['10.0.2.5', '10.0.1.9'];

const CAME = packet(1n, 'prerouting > input', {
  ...{ flow: 7n, direction: 'original', in_ifindex: 2 },
  ...{ src: ADDRESS('10.0.1.2'), dst: ADDRESS('10.0.1.1'), dst_after: ADDRESS('10.0.1.1') },
});
const PASSED = packet(2n, 'prerouting > forward > postrouting', {
  ...{ flow: 8n, direction: 'original', in_ifindex: 2, out_ifindex: 3 },
  ...{ src: ADDRESS('10.0.1.2'), dst: ADDRESS('10.0.2.5'), dst_after: ADDRESS('10.0.2.5') },
});

function recorded(...flows: ReturnType<typeof flow>[]) {
  const entries = new RecordedEntries({
    nameOf: (ifindex) => NAMES[ifindex],
    hadAddress: (address) => ADDRESSES.includes(address),
  });
  // a flow can be handed on before its last packets
  for (const one of flows) entries.addFlow(flowsOf(one), 0);
  for (const one of [CAME, PASSED]) entries.addPacket(packetsOf(one), 0);
  return entries;
}

describe('entries of a recorded trace', () => {
  it('are the flows that were in the table at its end', () => {
    const entries = recorded(
      flow(7n, { zone: 5, mark: 9, status: 1, packets: 3n, packets_reply: 2n, bytes: 30n }),
      flow(8n, { end: 'expired', ended_at: CLOCK_OFFSET + 5n }),
      flow(9n, { confirm: 'refused' }),
      flow(10n, { confirm: 'merged' }),
      flow(11n, { confirm: 'none' }),
    );
    const [one, ...others] = [...entries];
    expect(others).toEqual([]);
    expect(one).toMatchObject({ flow: '7', isOlder: false, isComplete: true });
    expect(one?.entry).toMatchObject({
      ...{ family: 4, protocol: 6, zones: [5, 5], mark: 9, isExpected: true },
      original: { src: '10.0.1.2', dst: '10.0.1.1', srcPort: 5001, dstPort: 2222 },
      reply: { src: '10.0.1.1', dst: '10.0.1.2', srcPort: 9999, dstPort: 5001 },
      ...{ packets: [3, 2], bytes: [30, 0], in: 'eth0' },
    });
    expect(one?.entry).not.toHaveProperty('out');
  });

  it('are not complete where records of them are missing', () => {
    const entries = recorded(
      flow(7n, { complete: false }),
      flow(8n, { confirm: 'unknown' }),
      flow(9n, { confirm: 'none', complete: false }),
      flow(10n, { confirm: 'older', older: true }),
    );
    const told = [...entries].map(({ flow: number, isComplete }) => [number, isComplete]);
    expect(told).toEqual([
      ['7', false],
      ['8', false],
      ['9', false],
      ['10', true],
    ]);
  });

  it('know as local what received at input, as not local what was forwarded', () => {
    const { isLocal } = recorded().surroundings();
    const asked = ['10.0.1.1', '10.0.1.2', '10.0.1.9', '10.9.9.9'];
    expect(asked.map(isLocal)).toEqual([true, false, true, undefined]);
  });

  it('know as not local what came in by a wire, unless it sends from here too', () => {
    const entries = (by: number) => {
      const one = new RecordedEntries({ nameOf: () => undefined, hadAddress: () => false });
      one.addPacket(packetsOf({ ...CAME, in_ifindex: by }), 0);
      return one;
    };
    expect(entries(2).surroundings().isLocal('10.0.1.2')).toBe(false);
    expect(entries(LOOPBACK).surroundings().isLocal('10.0.1.2')).toBeUndefined();
    const both = entries(2);
    both.addPacket(packetsOf({ ...CAME, output_at: CLOCK_OFFSET }), 0);
    expect(both.surroundings().isLocal('10.0.1.2')).toBe(true);
  });

  it('know nothing of an own address to which packets were forwarded', () => {
    expect(recorded().surroundings().isLocal('10.0.2.5')).toBeUndefined();
  });

  it('are held against rules like those of a table', () => {
    const entries = recorded(flow(7n));
    const kinds = (port: string) => {
      const chains = [base('prerouting', [rule(is('in', 'eth0'), redirect(port))])];
      const evaluator = new Evaluator(ruleset(...chains));
      const all = [...entries].map(({ entry }) => entry);
      return findStale(all, evaluator, entries.surroundings()).stale;
    };
    expect(kinds('9999')).toEqual([]);
    expect(kinds('9998')).toMatchObject([{ kind: 'target gone' }]);
  });
});
