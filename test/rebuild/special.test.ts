/** Packets that user space holds, that IPVS sends on, that are many in one; flows that were expected. */
import { describe, expect, it } from 'vitest';
import { Status } from '../../src/model/codes.ts';
import { RecordFlag } from '../../src/wire/layout.ts';
import { rebuilt, Script, type Tuple, wayOf } from './script.ts';
import {
  AFTER_DNAT,
  ASKED,
  ESTABLISHED,
  firstForwarded,
  inverted,
  laterForwarded,
  NEW,
  NULLS,
  UNMAPPED,
} from './traffic.ts';

const { packetConntrackRan: RAN, packetHadEntry: HAD, packetIsPart: PART } = RecordFlag;
const FLOW = 0x0100_0000_0017n;
const OTHER = 0x0300_0000_0018n;
const SKB = 0xffff_8881_0000_bb00n;

describe('a packet in a queue of user space', () => {
  const script = new Script({ skb: SKB, cpu: 3 });
  firstForwarded(script, { flow: FLOW });
  laterForwarded(script, { flow: FLOW }, { queued: ['forward'] });
  laterForwarded(script, { flow: FLOW }, { queued: ['prerouting', 'postrouting'], verdict: 3 });
  const { packets } = rebuilt(script.records);

  it('shows the hook where it was handed over, the last one of several', () => {
    expect(packets.map((row) => row.queued_hook)).toEqual([null, 'forward', 'postrouting']);
  });

  it('has the verdict queue where it waits yet', () => {
    expect(packets.map((row) => row.verdict)).toEqual(['accept', 'accept', 'queue']);
    expect(packets.map((row) => row.complete)).toEqual([true, true, true]);
  });

  it('shows it of visits that come later, too', () => {
    const parts = new Script({ skb: SKB });
    const part = { flow: FLOW, ctinfo: ESTABLISHED, status: UNMAPPED };
    parts.flow(ASKED, inverted(ASKED), { flow: FLOW, skb: 0n, status: UNMAPPED, isOlder: true });
    parts.traversal(['prerouting'], { ...part, flags: RAN | PART });
    parts.traversal(['forward', 'postrouting'], { ...part, flags: HAD, queued: ['forward'] });
    const [row, ...more] = rebuilt(parts.records).packets;
    expect(more).toEqual([]);
    expect(row).toMatchObject({ queued_hook: 'forward', last_hook: 'postrouting' });
  });
});

describe('segments', () => {
  it('are told of a packet that is many, and its length is that of all', () => {
    const script = new Script({ skb: SKB });
    firstForwarded(script, { flow: FLOW });
    laterForwarded(script, { flow: FLOW }, { len: 0xf_fffe, segments: 4_095 });
    laterForwarded(script, { flow: FLOW }, { len: 64_129, segments: 45 });
    const { packets, flows } = rebuilt(script.records);
    expect(packets.map((row) => [row.length, row.segments])).toEqual([
      [60, 1],
      [0xf_fffe, 4_095],
      [64_129, 45],
    ]);
    expect(flows[0]).toMatchObject({ packets: 3n, bytes: BigInt(60 + 0xf_fffe + 64_129) });
  });
});

describe('what IPVS takes at input and sends on by output', () => {
  const BALANCED = inverted(AFTER_DNAT);
  const write = (script: Script, cameAgain: Tuple | undefined, skb = SKB): void => {
    script.flow(ASKED, BALANCED, { flow: FLOW, skb: 0n, status: UNMAPPED, isOlder: true });
    const part = { flow: FLOW, ctinfo: ESTABLISHED, status: UNMAPPED };
    script.traversal(['prerouting', 'input'], { ...part, flags: RAN | PART, in: 2 });
    const came = cameAgain === undefined ? {} : { came: cameAgain };
    script.traversal(['output', 'postrouting'], {
      ...part,
      ...came,
      skb,
      flags: RAN | HAD,
      out: 3,
    });
  };

  it('is one packet, rewritten at input from its mapping', () => {
    const script = new Script({ skb: SKB });
    write(script, AFTER_DNAT);
    const { packets, flows } = rebuilt(script.records);
    expect(packets.map(wayOf)).toEqual(['prerouting input output postrouting']);
    expect(packets[0]).toMatchObject({
      ...{ dst: '10.0.1.1', dst_port: 8080, dst_after: '203.0.113.2', dst_port_after: 80 },
      ...{ src_nat: 'none', dst_nat: 'mapping', complete: true },
      ...{ input_rewritten: true, output_rewritten: false, in_ifindex: 2, out_ifindex: 3 },
    });
    expect(flows[0]).toMatchObject({ packets: 1n, mapped_packets: 1n });
  });

  it('is torn where how it came to output was lost', () => {
    const script = new Script({ skb: SKB });
    write(script, AFTER_DNAT);
    const tuple = script.records.length - 2;
    const { packets } = rebuilt(script.records.filter((_, index) => index !== tuple));
    expect(packets).toMatchObject([{ complete: false, dst_nat: 'unknown' }]);
  });

  it('is another packet in another sk_buff', () => {
    const script = new Script({ skb: SKB });
    write(script, AFTER_DNAT, SKB + 0x100n);
    expect(rebuilt(script.records).packets).toHaveLength(2);
  });

  it('is another packet where the second one is of another flow, or of none', () => {
    for (const flow of [OTHER, 0n]) {
      const script = new Script({ skb: SKB });
      const part = { ctinfo: ESTABLISHED, status: UNMAPPED };
      script.traversal(['prerouting', 'input'], { ...part, flow: FLOW, flags: RAN, came: ASKED });
      script.traversal(['output', 'postrouting'], {
        ...{ ...part, flow, came: AFTER_DNAT, flags: RAN | HAD },
      });
      expect(rebuilt(script.records).packets).toHaveLength(2);
    }
  });
});

describe('an expected flow', () => {
  const write = (isLost: boolean) => {
    const script = new Script({ skb: SKB });
    firstForwarded(script, { flow: OTHER });
    const status = UNMAPPED | Status.expected;
    const data = { ...ASKED, dstPort: 7_201 };
    script.flow(data, inverted(data), {
      flow: FLOW,
      skb: 0n,
      status,
      decided: NULLS,
      confirmed: 1,
    });
    if (isLost) script.lose();
    else script.parent(OTHER, { flow: FLOW });
    script.traversal(['prerouting', 'forward', 'postrouting'], {
      ...{ flow: FLOW, ctinfo: NEW, status, flags: RAN },
    });
    return rebuilt(script.records).flows;
  };

  it('names the flow whose helper expected it, and that one names none', () => {
    const flows = write(false);
    const parents = flows.map(({ flow, parent }) => [flow, parent]);
    expect(new Set(parents)).toEqual(
      new Set([
        [OTHER, null],
        [FLOW, OTHER],
      ]),
    );
  });

  it('keeps all else that was told of it', () => {
    const data = write(false).find(({ flow }) => flow === FLOW);
    expect(data).toMatchObject({ dst_port: 7_201, protocol: 17, packets: 1n, complete: true });
    expect(data).toMatchObject({ ...write(true).find(({ flow }) => flow === FLOW), parent: OTHER });
  });
});
