/** Lines of `conntrail table list -o json`, read again. No two fields are equal. */
import { describe, expect, it } from 'vitest';
import { withOwnNumbers, withPorts } from '../../src/table/entry-numbers.ts';
import { explainPasted } from '../../src/table/explain-record.ts';

const TCP = {
  ...{ netns: 4026531841, read_at: '1796078335992449123', news: 'update', family: 4, protocol: 6 },
  ...{ src: '10.0.0.1', dst: '10.0.0.2', src_port: 5001, dst_port: 80 },
  ...{ src_reply: '10.0.0.3', dst_reply: '10.0.0.4', src_port_reply: 8080, dst_port_reply: 5002 },
  ...{ zone: 9, zone_direction: 'reply', mark: 11, status: 14, state: 'ESTABLISHED' },
  ...{ timeout_s: 431999, id: 77, use: 2, packets: 7, packets_reply: 5, bytes: 700 },
  ...{ bytes_reply: 555, started_at: '1796078334992449456', ended_at: null },
  ...{ labels: '3,77', helper: 'ftp', expected: true, idle_s: 1, nat: 'x' },
};
const recordOf = (row: object): unknown => explainPasted(JSON.stringify(row))[0]?.record;

describe('a row of JSON', () => {
  it('is an entry, each field at its place', () => {
    expect(recordOf(TCP)).toEqual({
      ...{ kind: 'entry', form: 'json', change: 'update', at: '1796078335.992449' },
      entry: {
        ...{ family: 4, protocol: 6, zones: [0, 9], mark: 11, isExpected: true },
        original: { src: '10.0.0.1', dst: '10.0.0.2', srcPort: 5001, dstPort: 80 },
        reply: { src: '10.0.0.3', dst: '10.0.0.4', srcPort: 8080, dstPort: 5002 },
        ...{ status: 'ESTABLISHED [EXPECTED] [ASSURED]', timeoutS: 431999 },
        ...{ packets: [7, 5], bytes: [700, 555], ageS: null },
      },
      ...{ state: 'ESTABLISHED', isReplied: true, isAssured: true, offload: null },
      ...{ labels: ['3', '77'], helper: 'ftp', use: 2, id: 77, secmark: null, secctx: null },
      ...{ startedAt: '1796078334992449456', stoppedAt: null, portid: null },
      ...{ hasNumbers: true, more: [] },
    });
  });

  it.each([
    [{ status: 8 }, { isReplied: false, isAssured: false }],
    [{ status: 10 }, { isReplied: true, isAssured: false }],
    [{ status: 12 }, { isReplied: false, isAssured: true }],
    [{ status: 0x4000 | 14 }, { offload: 'software', isAssured: null }],
    [{ status: 0x8000 | 14 }, { offload: 'hardware', isAssured: null }],
    [{ news: 'listed' }, { change: null }],
    [{ zone_direction: 'both' }, { entry: { zones: [9, 9] } }],
    [{ zone_direction: 'original' }, { entry: { zones: [9, 0] } }],
    [
      { expected: false, labels: null },
      { entry: { isExpected: false }, labels: null },
    ],
  ])('with %j is one with %j', (changed, wanted) => {
    expect(recordOf({ ...TCP, ...changed })).toMatchObject(wanted);
  });
});

describe('numbers that are no ports', () => {
  const icmp = { ...TCP, protocol: 1, state: null, dst_port: 8 * 256 + 3, dst_port_reply: 4 };
  const gre = { ...TCP, protocol: 47, state: null };

  it('have their own names, and are read by them', () => {
    expect(withOwnNumbers(icmp)).toMatchObject({
      ...{ icmp_type: 8, icmp_code: 3, icmp_id: 5001 },
      ...{ icmp_type_reply: 0, icmp_code_reply: 4, icmp_id_reply: 8080 },
    });
    expect(withOwnNumbers(gre)).toMatchObject({ src_key: 5001, dst_key_reply: 5002 });
    expect(withOwnNumbers(TCP)).toEqual(TCP);
    for (const row of [icmp, gre]) {
      const own = withOwnNumbers(row);
      expect(Object.keys(own).filter((name) => name.includes('port'))).toEqual([]);
      expect(withPorts(own)).toMatchObject(row);
      expect(recordOf(own)).toEqual(recordOf(row));
    }
    expect(recordOf(icmp)).toMatchObject({
      entry: { original: { srcPort: 5001, dstPort: 2051 }, reply: { srcPort: 8080, dstPort: 4 } },
    });
  });
});
