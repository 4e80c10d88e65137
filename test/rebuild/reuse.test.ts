/** One sk_buff, several packets: what belongs together, and what only has the same address. */
import { describe, expect, it } from 'vitest';
import { RecordFlag } from '../../src/wire/layout.ts';
import { columnsOf, NETNS, type Row, rebuilt, Script, type Tuple, wayOf } from './script.ts';
import {
  ASKED,
  DROP,
  ESTABLISHED,
  firstIn,
  firstOut,
  MAPPED,
  NEW,
  replyForwarded,
} from './traffic.ts';

const { packetConntrackRan: RAN, packetHadEntry: HAD, packetIsPart: PART } = RecordFlag;
const FLOW = 0x0100_0000_0007n;
const OTHER = 0x0300_0000_0008n;
const SKB = 0xffff_8881_0000_aa00n;
const LOCAL: Tuple = { src: '192.0.2.1', dst: '192.0.2.9', srcPort: 4000, dstPort: 53 };
const MS = 1_000_000n;

function scripted(write: (script: Script) => void): Row[] {
  const script = new Script({ skb: SKB });
  write(script);
  return rebuilt(script.records).packets;
}

describe('the same sk_buff', () => {
  it('is another packet in another namespace', () => {
    const rows = scripted((script) => {
      firstOut(script, LOCAL, { flow: FLOW, netns: NETNS });
      firstIn(script, LOCAL, { flow: OTHER, netns: NETNS + 1 });
    });
    expect(columnsOf(rows, 'netns', 'flow', 'complete')).toEqual([
      { netns: NETNS, flow: FLOW, complete: true },
      { netns: NETNS + 1, flow: OTHER, complete: true },
    ]);
  });

  it('is another packet in another namespace, though the hooks would follow', () => {
    const rows = scripted((script) => {
      script.traversal(['prerouting'], { came: ASKED });
      script.traversal(['input'], { came: ASKED, netns: NETNS + 1 });
    });
    expect(rows.map(wayOf)).toEqual(['prerouting', 'input']);
  });

  it('is another packet after a drop, though no drop record tells of it', () => {
    const rows = scripted((script) => {
      script.traversal(['prerouting'], { came: ASKED, verdict: DROP });
      script.traversal(['input'], { came: LOCAL });
    });
    expect(columnsOf(rows, 'src', 'verdict')).toEqual([
      { src: ASKED.src, verdict: 'drop' },
      { src: LOCAL.src, verdict: 'accept' },
    ]);
  });

  it('is another packet as soon as a way begins anew, of the same flow and interfaces too', () => {
    const rows = scripted((script) => {
      script.flow(LOCAL, ASKED, { flow: FLOW, isOlder: true, status: MAPPED });
      for (let turn = 0; turn < 3; turn++)
        replyForwarded(script, { flow: FLOW }, { in: 3, out: 3 });
    });
    expect(rows.map(wayOf)).toEqual(Array(3).fill('prerouting forward postrouting'));
    expect(rows.every((row) => row.complete === true)).toBe(true);
  });

  it('is another packet where it came without an entry, though out by the interface it is in by', () => {
    const rows = scripted((script) => {
      firstOut(script, LOCAL, { flow: FLOW }, 5);
      const back = { flow: FLOW, ctinfo: NEW, status: 0x188, in: 5 };
      script.traversal(['prerouting', 'input'], { ...back, flags: RAN });
    });
    expect(rows.map(wayOf)).toEqual(['output postrouting', 'prerouting input']);
  });

  it('is another packet of another flow, though the hooks would follow', () => {
    const rows = scripted((script) => {
      const first = { flow: FLOW, ctinfo: NEW, flags: RAN | PART };
      script.traversal(['prerouting'], { came: ASKED, ...first });
      const second = { flow: OTHER, ctinfo: ESTABLISHED, flags: HAD };
      script.traversal(['postrouting'], { came: LOCAL, ...second });
    });
    expect(columnsOf(rows, 'flow', 'complete')).toEqual([
      { flow: FLOW, complete: false },
      { flow: OTHER, complete: false },
    ]);
  });

  it('is another packet once it was freed, though the hooks would follow', () => {
    const rows = scripted((script) => {
      script.traversal(['prerouting'], { came: ASKED, flags: RAN });
      script.drop(ASKED);
      script.wait(1_000n);
      script.traversal(['input'], { came: LOCAL });
    });
    expect(columnsOf(rows, 'src', 'drop_reason', 'last_hook')).toEqual([
      { src: ASKED.src, drop_reason: 'REASON_5', last_hook: 'prerouting' },
      { src: LOCAL.src, drop_reason: null, last_hook: 'input' },
    ]);
  });

  it.each([
    [9n * MS, 1],
    [11n * MS, 2],
  ])('goes on after a rest of %i ns: rows %i', (rest, rows) => {
    const found = scripted((script) => {
      const at = { flow: FLOW, ctinfo: ESTABLISHED, status: MAPPED, came: ASKED };
      script.traversal(['prerouting', 'forward'], { ...at, verdict: 2, flags: RAN });
      script.wait(rest);
      script.traversal(['postrouting'], { ...at, flags: HAD, cpu: 1 });
    });
    expect(found).toHaveLength(rows);
    if (rows === 1) expect(found[0]).toMatchObject({ verdict: 'accept', complete: true });
    else expect(found.map(({ verdict }) => verdict)).toEqual(['stolen', 'accept']);
  });
});

describe('a drop', () => {
  it('inside a visit follows the packet', () => {
    const rows = scripted((script) => {
      script.traversal(['prerouting'], { came: ASKED, verdict: DROP, flow: FLOW, ctinfo: NEW });
      script.drop(ASKED, { flow: FLOW, reason: 7, location: 0x8200_0001 });
    });
    expect(columnsOf(rows, 'verdict', 'drop_reason', 'drop_location', 'complete')).toEqual([
      { verdict: 'drop', drop_reason: 'REASON_7', drop_location: 'at_82000001', complete: true },
    ]);
  });

  it('between two hooks, by routing, ends an unfinished way', () => {
    const rows = scripted((script) => {
      const at = { flow: FLOW, ctinfo: NEW, flags: RAN | PART };
      script.traversal(['prerouting'], { came: ASKED, ...at });
      script.drop(ASKED, { flow: FLOW, reason: 11 });
    });
    expect(columnsOf(rows, 'verdict', 'drop_reason', 'complete')).toEqual([
      { verdict: 'accept', drop_reason: 'REASON_11', complete: true },
    ]);
  });

  it.each([
    [2n * MS, 'REASON_3'],
    [9_999_000n, 'REASON_3'],
    [11n * MS, null],
  ])('behind input, by the socket, after %i ns', (rest, drop_reason) => {
    const rows = scripted((script) => {
      firstIn(script, LOCAL, { flow: FLOW });
      script.wait(rest);
      script.drop(LOCAL, { flow: FLOW, reason: 3 });
    });
    expect(rows).toMatchObject([{ verdict: 'accept', drop_reason, complete: true }]);
  });

  it('of many at one address is each one its own', () => {
    const rows = scripted((script) => {
      for (let reason = 1; reason <= 4; reason++) {
        script.traversal(['prerouting'], { came: ASKED, verdict: DROP });
        script.drop(ASKED, { reason, location: 0x8200_0000 + reason });
      }
    });
    expect(columnsOf(rows, 'drop_reason', 'drop_location')).toEqual(
      [1, 2, 3, 4].map((n) => ({ drop_reason: `REASON_${n}`, drop_location: `at_8200000${n}` })),
    );
  });

  it('leaves the earlier packet at its address alone', () => {
    const rows = scripted((script) => {
      firstIn(script, LOCAL, { flow: FLOW });
      script.traversal(['prerouting'], { came: ASKED, verdict: DROP, flags: RAN });
      script.drop(ASKED, { reason: 7 });
    });
    expect(columnsOf(rows, 'src', 'drop_reason')).toEqual([
      { src: LOCAL.src, drop_reason: null },
      { src: ASKED.src, drop_reason: 'REASON_7' },
    ]);
  });

  it('leaves a packet alone that was dropped already', () => {
    const rows = scripted((script) => {
      script.traversal(['prerouting'], { came: ASKED, verdict: DROP });
      script.drop(ASKED, { reason: 7 });
      script.drop(LOCAL, { reason: 8 });
    });
    expect(rows).toMatchObject([{ drop_reason: 'REASON_7' }]);
  });

  it('of a packet that was not seen makes no row', () => {
    expect(scripted((script) => script.drop(ASKED, { reason: 7 }))).toEqual([]);
  });

  it('in another namespace is another packet', () => {
    const rows = scripted((script) => {
      firstOut(script, LOCAL, { flow: FLOW });
      script.drop(LOCAL, { netns: NETNS + 1, reason: 7 });
    });
    expect(columnsOf(rows, 'drop_reason')).toEqual([{ drop_reason: null }]);
  });

  it('of other addresses is another packet, whose traversal was lost', () => {
    const rows = scripted((script) => {
      script.traversal(['prerouting', 'input'], { came: LOCAL, flags: RAN });
      script.drop(ASKED, { reason: 7 });
    });
    expect(rows).toMatchObject([{ src: LOCAL.src, drop_reason: null }]);
  });

  it('has the addresses that the packet left with', () => {
    const rows = scripted((script) => {
      const at = { flow: FLOW, ctinfo: NEW, came: ASKED, left: LOCAL };
      script.traversal(['prerouting', 'forward'], { ...at, verdict: DROP, flags: RAN });
      script.drop(LOCAL, { flow: FLOW, reason: 7 });
    });
    expect(rows).toMatchObject([{ src: ASKED.src, drop_reason: 'REASON_7' }]);
  });

  it('of another flow is another packet, whose traversal was lost', () => {
    const rows = scripted((script) => {
      firstIn(script, LOCAL, { flow: FLOW });
      script.drop(ASKED, { flow: OTHER, reason: 7 });
    });
    expect(rows).toMatchObject([{ src: LOCAL.src, drop_reason: null }]);
  });
});
