import { describe, expect, it } from 'vitest';
import { flowLine, packetLine, timeText, tupleText } from '../../src/columns/describe-row.ts';
import { ADDRESS, flow, flowsOf, packet, packetsOf } from '../explain/rows.ts';
import { CLOCK_OFFSET, type Row } from '../export/fixtures.ts';

const NAME = (inode: number): string => `ns${inode}`;
const STARTED = CLOCK_OFFSET + 1n; // 2025-11-21T01:17:35.123456790Z

/** A tuple in the columns of a row. */
function tuple(src: string, srcPort: number, dst: string, dstPort: number, suffix = ''): Row {
  return {
    [`src${suffix}`]: ADDRESS(src),
    [`dst${suffix}`]: ADDRESS(dst),
    [`src_port${suffix}`]: srcPort,
    [`dst_port${suffix}`]: dstPort,
  };
}

function text(row: Row): string {
  return tupleText(packetsOf(packet(1n, 'forward', row)), 0);
}

describe('tupleText', () => {
  it.each([
    [6, '10.0.1.2', '10.0.1.1', '10.0.1.2:258 > 10.0.1.1:2049'],
    [17, 'fd00::2', 'fd00::1', '[fd00::2]:258 > [fd00::1]:2049'],
    [132, '10.0.1.2', '10.0.1.1', '10.0.1.2:258 > 10.0.1.1:2049'],
    [1, '10.0.1.2', '10.0.1.1', '10.0.1.2 > 10.0.1.1 type 8 code 1 id 258'],
    [58, 'fd00::2', 'fd00::1', 'fd00::2 > fd00::1 type 8 code 1 id 258'],
    [47, '10.0.1.2', '10.0.1.1', '10.0.1.2 > 10.0.1.1'],
  ])('of protocol %i from %s', (protocol, src, dst, expected) => {
    expect(text({ protocol, ...tuple(src, 258, dst, 8 * 256 + 1) })).toBe(expected);
  });
});

describe('timeText', () => {
  it('is the time of day in UTC to the microsecond, cut off', () => {
    expect(timeText(STARTED)).toBe('01:17:35.123456');
    expect(timeText(86_400_000_000_000n + 999n)).toBe('00:00:00.000000');
    expect(timeText(999_999_999n)).toBe('00:00:00.999999');
  });
});

describe('packetLine', () => {
  const line = (way: string, row: Row): string =>
    packetLine(packetsOf(packet(1n, way, { started_at: STARTED, ...row })), 0, NAME);
  const ASKED = tuple('10.0.1.2', 5001, '10.0.1.1', 8080);
  const SENT = tuple('203.0.113.1', 5001, '203.0.113.2', 80, '_after');

  it('tells the way, what was rewritten, and who decided', () => {
    const row = {
      ...ASKED,
      ...SENT,
      flow: 9n,
      direction: 'original',
      state: 'new',
      src_nat: 'rule',
      dst_nat: 'mapping',
      confirm: 'inserted',
    };
    expect(line('prerouting chains rewritten > forward > postrouting rewritten', row)).toBe(
      '01:17:35.123456 ns4001 tcp 10.0.1.2:5001 > 10.0.1.1:8080 => 203.0.113.1:5001 > 203.0.113.2:80 ' +
        '| prerouting (nat chains, rewritten) > forward > postrouting (rewritten) | accept ' +
        '| new, original of flow 9, src by rule, dst by mapping, confirm inserted',
    );
  });

  it('tells the hooks in the order of time, which over loopback is not that of their numbers', () => {
    const row = { ...ASKED, ...tuple('10.0.1.2', 5001, '10.0.1.1', 8080, '_after') };
    expect(line('output chains > postrouting > prerouting > input', row)).toContain(
      '| output (nat chains) > postrouting > prerouting > input |',
    );
  });

  it('tells a drop, its reason and its place, and that a row is torn', () => {
    const row = {
      ...ASKED,
      ...tuple('10.0.1.2', 5001, '10.0.1.1', 8080, '_after'),
      protocol: 253,
      verdict: 'drop',
      drop_reason: 'NETFILTER_DROP',
      drop_location: 'nf_hook_slow',
      state: 'invalid',
      complete: false,
    };
    expect(line('prerouting', row)).toBe(
      '01:17:35.123456 ns4001 253 10.0.1.2 > 10.0.1.1 | prerouting | drop ' +
        '| invalid, dropped NETFILTER_DROP in nf_hook_slow, torn',
    );
  });
});

describe('flowLine', () => {
  it('tells both tuples, the mappings and what was counted', () => {
    const row = flow(11n, {
      first_at: STARTED,
      packets: 12n,
      packets_reply: 13n,
      older: true,
      complete: false,
      end: 'expired',
    });
    expect(flowLine(flowsOf(row), 0, NAME)).toBe(
      '01:17:35.123456 ns4001 tcp 10.0.1.2:5001 > 10.0.1.1:2222 reply 10.0.1.1:9999 > 10.0.1.2:5001 ' +
        '| flow 11: src null mapping, dst rule, confirm inserted, expired, ' +
        '12 packets, 13 replies, older than the trace, incomplete',
    );
  });

  it('says no more than there is to say', () => {
    const line = flowLine(flowsOf(flow(11n, { first_at: STARTED })), 0, NAME);
    expect(line).toMatch(/confirm inserted, open, 0 packets, 0 replies$/);
  });
});
