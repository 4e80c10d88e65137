/** Rows that may still change wait, in batches that are filled in place, split and handed over. */
import { describe, expect, it } from 'vitest';
import { PacketBatch } from '../../src/rebuild/packet-batch.ts';
import { PacketLayout } from '../../src/rebuild/packet-layout.ts';
import { PacketRows } from '../../src/rebuild/packet-rows.ts';
import { RecordFlag } from '../../src/wire/layout.ts';
import { type RebuiltOptions, rebuilt, Script, type Tuple, wayOf } from './script.ts';
import { ASKED, firstOut, forwardedWithoutEntry, NEW, UNMAPPED } from './traffic.ts';

const FLOW = 0x0100_0000_0007n;
const MS = 1_000_000n;
const LOCAL: Tuple = { src: '192.0.2.1', dst: '192.0.2.9', srcPort: 4000, dstPort: 53 };

/** So many packets, each in an sk_buff of its own. */
function many(script: Script, count: number, first = 1): void {
  for (let n = first; n < first + count; n++) {
    forwardedWithoutEntry(script, { ...ASKED, srcPort: n }, { skb: BigInt(n) << 8n });
  }
}

describe('more packets than fit in a batch', () => {
  const script = new Script();
  many(script, 23);
  const { packets, batches } = rebuilt(script.records, { batchRows: 5 });

  it('are in several, in order, and all whole', () => {
    expect(batches).toEqual([5, 5, 5, 5, 3]);
    expect(packets.map(({ packet, src_port }) => [packet, src_port])).toEqual(
      Array.from({ length: 23 }, (_, n) => [BigInt(n + 1), n + 1]),
    );
    expect(packets.every(({ complete }) => complete === true)).toBe(true);
  });
});

describe.each([
  ['in the same batch', 100],
  ['in a later batch than its row', 2],
])('a drop %s', (_, batchRows) => {
  it('finds its row', () => {
    const script = new Script();
    many(script, 9);
    for (const n of [1, 4, 9])
      script.drop({ ...ASKED, srcPort: n }, { skb: BigInt(n) << 8n, reason: n });
    const { packets } = rebuilt(script.records, { batchRows });
    expect(packets.map(({ drop_reason }) => drop_reason)).toEqual(
      [1, null, null, 4, null, null, null, null, 9].map((n) => (n === null ? n : `REASON_${n}`)),
    );
  });
});

describe('a drop after its batch was handed over', () => {
  it('is lost on no other row', () => {
    const script = new Script();
    many(script, 4);
    script.wait(9n * MS);
    many(script, 300, 100); // so many records, then settled batches go
    script.wait(9n * MS);
    many(script, 300, 500);
    script.drop({ ...ASKED, srcPort: 2 }, { skb: 2n << 8n });
    const { packets, batches } = rebuilt(script.records, { batchRows: 4, chunks: [1] });
    expect(batches[0]).toBe(4);
    expect(packets.filter(({ drop_reason }) => drop_reason !== null)).toEqual([]);
  });
});

describe('a flush', () => {
  /** Two packets, a rest, three more; then a drain ends. */
  function flushed(write: (script: Script) => void, chunks: number[]) {
    const script = new Script();
    many(script, 2);
    script.wait(20n * MS);
    many(script, 3, 3);
    write(script);
    return rebuilt(script.records, { chunks, flushes: true, batchRows: 8 });
  }
  const RECORDS = 10; // RECORD_CAME and RECORD_TRAVERSAL each

  it('hands over the rows that change no more, and keeps the others', () => {
    const { packets, batches } = flushed((script) => many(script, 1, 6), [RECORDS, 9]);
    expect(batches).toEqual([2, 4]);
    expect(packets.map(({ packet, src_port, complete }) => [packet, src_port, complete])).toEqual(
      [1, 2, 3, 4, 5, 6].map((n) => [BigInt(n), n, true]),
    );
  });

  it('leaves the others to be found where they have moved', () => {
    const { packets, batches } = flushed(
      (script) => {
        for (const n of [3, 5]) {
          script.drop({ ...ASKED, srcPort: n }, { skb: BigInt(n) << 8n, reason: n });
        }
      },
      [RECORDS, 9],
    );
    expect(batches).toEqual([2, 3]);
    expect(packets.map(({ drop_reason }) => drop_reason)).toEqual([
      null,
      null,
      'REASON_3',
      null,
      'REASON_5',
    ]);
  });

  it('leaves what was handed over alone', () => {
    const { packets } = flushed(
      (script) => script.drop({ ...ASKED, srcPort: 1 }, { skb: 1n << 8n }),
      [RECORDS, 9],
    );
    expect(packets.every(({ drop_reason }) => drop_reason === null)).toBe(true);
  });

  it('lets a packet come back over lo to the batch that its row has moved to', () => {
    const { RAN, HAD } = { RAN: RecordFlag.packetConntrackRan, HAD: RecordFlag.packetHadEntry };
    const script = new Script();
    many(script, 2);
    script.wait(20n * MS);
    firstOut(script, LOCAL, { flow: FLOW }, 1);
    const back = { flow: FLOW, ctinfo: NEW, status: UNMAPPED, in: 1 };
    script.traversal(['prerouting', 'input'], { ...back, flags: HAD | RAN });
    const { packets, batches } = rebuilt(script.records, { chunks: [7], flushes: true });
    expect(batches).toEqual([2, 1]);
    expect(packets.map(wayOf).at(-1)).toBe('output postrouting prerouting input');
  });

  it('after every record gives the same rows', () => {
    const script = new Script();
    many(script, 30);
    script.wait(20n * MS);
    many(script, 30, 31);
    const { packets } = rebuilt(script.records);
    const often = rebuilt(script.records, { chunks: [1], flushes: true, batchRows: 7 });
    expect(often.packets).toEqual(packets);
  });
});

describe('a packet that comes back late', () => {
  const { packetConntrackRan: RAN, packetHadEntry: HAD } = RecordFlag;
  const SKB = 0xffff_8881_0000_aa00n;

  /** It goes out, others pass, it comes back by lo after 9 ms and is dropped 9 ms later. */
  function late(options: RebuiltOptions) {
    const script = new Script();
    const at = { flow: FLOW, skb: SKB };
    firstOut(script, LOCAL, at, 1);
    many(script, 5);
    script.wait(9n * MS);
    const back = { ...at, ctinfo: NEW, status: UNMAPPED, in: 1, flags: HAD | RAN };
    script.traversal(['prerouting', 'input'], back);
    script.wait(5n * MS);
    many(script, 300, 1000); // so many records, then settled batches go
    script.wait(4n * MS);
    script.drop(LOCAL, { ...at, reason: 9 });
    return rebuilt(script.records, options);
  }

  it.each([
    ['with its batch full', { batchRows: 3 }],
    ['with its batch flushed', { batchRows: 500, chunks: [15, 80], flushes: true }],
    ['with a later batch flushed', { batchRows: 4, chunks: [15, 20, 20], flushes: true }],
  ])('still gets its drop, %s', (_, options) => {
    const { packets } = late(options);
    expect(wayOf(packets[0]!)).toBe('output postrouting prerouting input');
    expect(packets[0]).toMatchObject({ packet: 1n, drop_reason: 'REASON_9' });
    expect(packets.map(({ packet }) => packet)).toEqual(packets.map((_, n) => BigInt(n + 1)));
  });
});

describe('a row', () => {
  it('is found again by no other sk_buff, though it has the same place', () => {
    const rows = new PacketRows(100, () => undefined);
    rows.begin(1, 2);
    expect(rows.find(1, 2)).toBe(0);
    expect([rows.find(1, 3), rows.find(2, 2)]).toEqual([-1, -1]);
    rows.begin(1, 3);
    expect([rows.find(1, 2), rows.find(1, 3)]).toEqual([-1, 1]);
  });

  it('moves with all that it has', () => {
    const batch = new PacketBatch(new PacketLayout(4));
    const arrays = (of: PacketBatch): Int32Array[] =>
      Object.values(of)
        .flat()
        .filter((value) => ArrayBuffer.isView(value) && value !== of.amendedAt) as Int32Array[];
    let next = 1;
    for (const values of arrays(batch)) for (let n = 0; n < values.length; n++) values[n] = next++;
    const before = arrays(batch).map((values) => values.slice());
    batch.length = 4;
    const rest = batch.split(1);
    expect([batch.length, rest.length]).toEqual([1, 3]);
    expect(arrays(rest)).toHaveLength(before.length);
    for (const [index, values] of arrays(rest).entries()) {
      const perRow = values.length / 4;
      expect([...values.slice(0, 3 * perRow)]).toEqual([...before[index]!.slice(perRow)]);
    }
  });
});
