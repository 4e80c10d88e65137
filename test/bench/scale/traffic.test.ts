/** What the native producer makes is what the rows say: every flow whole, every packet of it. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { RecordBatch } from '../../../src/columns/arrow.ts';
import { BatchView, type Value } from '../../../src/columns/batch-view.ts';
import { FLOWS, PACKETS, type TableName } from '../../../src/model/tables.ts';
import { make } from '../../native/build.ts';
import type { Traffic } from './feed.ts';
import { DRAIN_BYTES, Line } from './line.ts';

type Row = Readonly<Record<string, Value>>;

beforeAll(() => make('native'));
beforeAll(() => make('bench-scale-native'));

function rowsOf(batches: readonly RecordBatch[], table: typeof PACKETS | typeof FLOWS): Row[] {
  return batches.flatMap((batch) => {
    const view = new BatchView(batch, table);
    return Array.from({ length: view.rows }, (_, row) => view.row(row));
  });
}

/** `records` of some traffic, in as many drains. */
async function rebuilt(traffic: Traffic, records: readonly number[], rings = traffic.cpus) {
  const line = new Line({ ...traffic, rings, ringBytes: 1 << 20 });
  const batches: Record<TableName, RecordBatch[]> = {
    packets: [],
    flows: [],
    rules: [],
    failures: [],
    losses: [],
    states: [],
  };
  const room = new Uint8Array(DRAIN_BYTES);
  try {
    for (const some of records) {
      expect(line.feed.write(some)).toBe(some);
      const { bytes, horizonNs } = line.drain.take(room);
      line.tables.add(room.subarray(0, bytes), horizonNs);
    }
    line.tables.finish();
    for (const { table, batch } of line.tables.takeReady()) batches[table].push(batch);
    const { tally, evicted } = line.tables;
    const counters = line.feed.counters();
    return {
      packets: rowsOf(batches.packets, PACKETS),
      flows: rowsOf(batches.flows, FLOWS),
      skipped: [...tally.skipped],
      delivered: tally.delivered.reduce((sum, count) => sum + count, 0),
      evicted,
      counters,
    };
  } finally {
    await line.close();
  }
}

const STEADY: Traffic = { cpus: 2, flows: 20, packetsPerFlow: 0, loseEvery: 0 };

describe('flows that stay', () => {
  it('each begin with two records, and then there are packets alone', async () => {
    const { packets, flows, evicted } = await rebuilt(STEADY, [40, 500, 460]);
    expect(flows).toHaveLength(20);
    expect(packets).toHaveLength(20 + 960);
    expect(evicted).toBe(0);
    expect(new Set(flows.map(({ flow }) => flow))).toHaveProperty('size', 20);
    for (const row of [...packets, ...flows]) expect(row).toMatchObject({ complete: true });
    for (const row of flows) expect(row).toMatchObject({ confirm: 'inserted', end: 'open' });
  });

  it('spread their packets over all flows, both directions, both CPUs', async () => {
    const { packets, flows } = await rebuilt(STEADY, [60, 2000]);
    const counts = flows.map((row) => Number(row.packets) + Number(row.packets_reply));
    expect(counts.reduce((sum, count) => sum + count)).toBe(packets.length);
    expect(Math.min(...counts)).toBeGreaterThan(50);
    expect(Math.max(...counts)).toBeLessThan(160);
    expect(packets.filter(({ cpu }) => cpu === 0)).toHaveLength(packets.length / 2);
    const replies = packets.filter(({ direction }) => direction === 'reply').length;
    expect(replies / packets.length).toBeCloseTo(0.5, 1);
  });

  it('are masqueraded every second one', async () => {
    const { packets, flows } = await rebuilt(STEADY, [60, 500]);
    expect(flows.filter((row) => row.src_nat === 'rule')).toHaveLength(10);
    expect(flows.filter((row) => row.src_nat === 'null mapping')).toHaveLength(10);
    const masked = new Set(flows.filter((row) => row.src_nat === 'rule').map(({ flow }) => flow));
    for (const row of packets) {
      const isMasked = masked.has(row.flow!);
      expect(Number(row.src_port) !== Number(row.src_port_after)).toBe(
        isMasked && row.direction === 'original',
      );
      expect(row.postrouting_rewritten).toBe(isMasked && row.direction === 'original');
      expect(row.prerouting_rewritten).toBe(isMasked && row.direction === 'reply');
    }
  });

  it('are the same by way of one ring', async () => {
    const own = await rebuilt(STEADY, [60, 500]);
    const shared = await rebuilt(STEADY, [60, 500], 1);
    const told = (rows: readonly Row[]) =>
      rows.map(({ flow, packets, bytes, bytes_reply }) => ({ flow, packets, bytes, bytes_reply }));
    expect(told(shared.flows)).toEqual(told(own.flows));
  });
});

it('flows that end are whole, and as many begin', async () => {
  const traffic = { ...STEADY, packetsPerFlow: 10 };
  const { packets, flows, counters } = await rebuilt(traffic, [4000]);
  const ended = flows.filter((row) => row.end !== 'open');
  expect(ended.length).toBeGreaterThan(200);
  expect(flows.length - ended.length).toBe(20);
  const sum = (kind: number) => counters.reduce((so, { tried }) => so + tried[kind]!, 0);
  expect(packets).toHaveLength(sum(1));
  expect(ended).toHaveLength(sum(5));
});

it('what is lost on purpose is counted on both sides', async () => {
  const traffic = { ...STEADY, loseEvery: 50 };
  const { packets, skipped, delivered, counters } = await rebuilt(traffic, [60, 1000, 1000]);
  const lost = counters.map(({ ringFull }) => ringFull[1]!);
  expect(lost).toEqual(skipped);
  expect(lost[0]).toBeGreaterThan(15);
  expect(delivered + lost[0]! + lost[1]!).toBe(2060);
  expect(packets).toHaveLength(2060 - 20 - lost[0]! - lost[1]!);
});

it('a thread makes what was asked for', async () => {
  const line = new Line({ ...STEADY, rings: 2, ringBytes: 1 << 16 });
  line.feed.start(5000);
  const room = new Uint8Array(DRAIN_BYTES);
  let taken = 0;
  while (taken < 5000) taken += (await line.drain.waitTake(room, 1)).records;
  expect(line.feed.look().made).toBe(5000);
  await line.close();
});
