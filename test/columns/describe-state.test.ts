import { describe, expect, it } from 'vitest';
import { stateLine } from '../../src/columns/describe-state.ts';
import { STATES_TABLE } from '../../src/model/tables.ts';
import { ADDRESS, viewOf } from '../explain/rows.ts';
import { CLOCK_OFFSET, type Row } from '../export/fixtures.ts';

function line(row: Row): string {
  const usual: Row = {
    ...{ flow: 9n, netns: 77, family: 4, protocol: 6 },
    ...{ src: ADDRESS('10.0.1.2'), src_port: 5001, dst: ADDRESS('10.0.1.1'), dst_port: 8080 },
    ...{ changed_at: CLOCK_OFFSET + 1n, since_first_ns: 12_034_999n, packet: 3n },
    ...{ direction: 'reply', reply_before: 'unreplied', reply_after: 'replied' },
    ...{ tcp_before: 'syn_sent', tcp_after: 'syn_recv' },
  };
  return stateLine(viewOf(STATES_TABLE, [{ ...usual, ...row }]), 0, (inode) => `ns${inode}`);
}

describe('a change of state', () => {
  it('tells when, which flow, between which states, and how long after its beginning', () => {
    expect(line({})).toBe(
      '01:17:35.123456 ns77 tcp 10.0.1.2:5001 > 10.0.1.1:8080 | syn_sent -> syn_recv, unreplied -> replied | reply of flow 9, packet 3, 12.034 ms after first sight',
    );
  });

  it.each([
    ['of a new entry', { reply_before: null, tcp_before: null }, 'new -> syn_recv, replied'],
    ['of TCP alone', { reply_before: 'replied' }, 'syn_sent -> syn_recv'],
    ['of the reply state alone', { tcp_before: 'syn_recv' }, 'unreplied -> replied'],
    ['of UDP', { tcp_before: null, tcp_after: null }, 'unreplied -> replied'],
  ])('%s', (_, row, expected) => {
    expect(line(row)).toContain(` | ${expected} | `);
  });

  it('names no packet where flows alone were traced', () => {
    expect(line({ packet: null })).toContain('| reply of flow 9, 12.034 ms after first sight');
  });
});
