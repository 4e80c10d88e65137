/** A failure as a line: what a person reads. */
import { expect, it } from 'vitest';
import { batchOf } from '../../src/columns/batch.ts';
import { BatchView } from '../../src/columns/batch-view.ts';
import { failureLine } from '../../src/columns/describe-failure.ts';
import { Cause, KnownBy } from '../../src/model/failure-codes.ts';
import { RowBuffer } from '../../src/model/rows.ts';
import { FAILURES } from '../../src/model/tables.ts';
import { addressBytes } from '../wire/record-fixture.ts';

const NAMES = ['invalid rst', 'drop,insert_failed'];

/** A row; columns that are not given are null where they can be. */
function line(fields: Readonly<Record<string, number | string>>): string {
  const rows = new RowBuffer(FAILURES, 1);
  const row = rows.next();
  for (const { name, nullable } of FAILURES.columns) {
    const value = fields[name];
    const at = row + rows.layout.at(name);
    const bit = rows.layout.index(name);
    if (value === undefined) {
      if (nullable) rows.words[row + (bit >>> 5)]! |= 1 << (bit & 31);
    } else if (typeof value === 'number') rows.words[at] = value;
    else rows.words.set(new Int32Array(Uint8Array.from(addressBytes(value)).buffer), at);
  }
  const batch = batchOf(FAILURES, rows.words, 1, {
    clockOffsetNs: 3_661_000_005_000n,
    names: NAMES,
  });
  return failureLine(new BatchView(batch, FAILURES), 0, (inode) => `ns-${inode}`);
}

const TUPLE = { family: 4, src: '10.0.1.2', dst: '203.0.113.2', src_port: 9511, dst_port: 9500 };

it('says what the kernel says, and how far that is all that is known', () => {
  const row = { cause: Cause.invalidPacket, netns: 77, hook: 0, text: 0, protocol: 6, ...TUPLE };
  expect(line({ ...row, known_by: KnownBy.packet })).toBe(
    '01:01:01.000005 ns-77 tcp 10.0.1.2:9511 > 203.0.113.2:9500 | invalid packet: "invalid rst"; at prerouting',
  );
  expect(line({ ...row, known_by: KnownBy.text })).toContain('"invalid rst" (by its words);');
});

it('names the rival, the range, the tries and the rule, and what to do', () => {
  const rival = { rival: 6, rival_src: '10.0.1.7', rival_dst: '203.0.113.8' };
  const ports = { rival_src_port: 9520, rival_dst_port: 9501 };
  const range = { min_address: '203.0.113.1', max_address: '203.0.113.3' };
  const row = { cause: Cause.mappingTaken, protocol: 17, flow: 8, counters: 1, rule: 2, tries: 5 };
  const told = { ...row, ...TUPLE, ...rival, ...ports, ...range, min_port: 40100, max_port: 40101 };
  expect(line(told)).toBe(
    '01:01:01.000005 ns-0 udp 10.0.1.2:9511 > 203.0.113.2:9500 | mapping taken; flow 8; rival: flow 6 10.0.1.7:9520 > 203.0.113.8:9501; 5 tries; of 203.0.113.1-203.0.113.3 ports 40100-40101; by rule 2; counted as drop,insert_failed; to do: give NAT more addresses or ports to choose from',
  );
});

it('calls who was evicted the victim, and says so where the newcomer is not known', () => {
  expect(line({ cause: Cause.evicted, rival: 6, fill: 401, limit: 400 })).toBe(
    '01:01:01.000005 ns-0 packet not known | evicted; victim: flow 6; 401 entries of 400; to do: raise net.netfilter.nf_conntrack_max',
  );
  expect(line({ cause: Cause.tableFull, fill: 9 })).toContain('| table full; 9 entries; to do:');
});
