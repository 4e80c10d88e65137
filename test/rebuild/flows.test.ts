import { describe, expect, it } from 'vitest';
import { Status } from '../../src/model/codes.ts';
import { RecordFlag } from '../../src/wire/layout.ts';
import { NETNS, type Row, rebuilt, Script } from './script.ts';
import {
  ANSWERED,
  ASKED,
  firstForwarded,
  inverted,
  laterForwarded,
  MAPPED,
  REPLY,
  replyForwarded,
} from './traffic.ts';

const FLOW = 0x0100_0000_0007n;
const { visitConntrackRan: RAN, visitHadEntry: HAD, visitChainsRan: CHAINS } = RecordFlag;

function flowsOf(write: (script: Script) => void): Row[] {
  const script = new Script();
  write(script);
  return rebuilt(script.records).flows;
}

describe('a flow', () => {
  it('older than the trace says so, and what its status shows of its mappings', () => {
    const [flow] = flowsOf((script) => {
      script.flow(ASKED, REPLY, { flow: FLOW, isOlder: true, status: MAPPED, mark: 9, zone: 12 });
      laterForwarded(script, { flow: FLOW });
    });
    expect(flow).toMatchObject({
      older: true,
      src_nat: 'older',
      dst_nat: 'older',
      confirm: 'older',
      confirmed_at: null,
      end: 'open',
      ended_at: null,
      zone: 12,
      mark: 9,
      netns: NETNS,
      entry: 0xffff_8881_8100_0b00n,
      complete: true,
      mapped_packets: 1n,
    });
  });

  it('older than the trace and not rewritten has null mappings, or none', () => {
    const status = Status.confirmed | Status.dstNatDone;
    const [flow] = flowsOf((script) =>
      script.flow(ASKED, ANSWERED, { flow: FLOW, isOlder: true, status }),
    );
    expect(flow).toMatchObject({ src_nat: 'none', dst_nat: 'null mapping', complete: true });
  });

  it('takes a new mark, and keeps how it began', () => {
    const [flow] = flowsOf((script) => {
      firstForwarded(script, { flow: FLOW, mark: 1 });
      script.flow(ASKED, REPLY, { flow: FLOW, status: MAPPED, mark: 0xffff_fff2 });
    });
    expect(flow).toMatchObject({ mark: 0xffff_fff2, older: false, src_nat: 'rule' });
  });

  it.each([
    ['expired', 0, {}],
    ['expired', -500, {}],
    ['deleted', 1, {}],
    ['never confirmed', 300, { isUnconfirmed: true }],
  ])('ends %s with %i jiffies to go', (end, remaining, how) => {
    const [flow] = flowsOf((script) => {
      script.flow(ASKED, ANSWERED, { flow: FLOW, status: 0 });
      script.end(ASKED, { flow: FLOW, remaining, ...how });
    });
    expect(flow).toMatchObject({ end, complete: true });
    expect(flow!.ended_at).toBeTypeOf('bigint');
  });

  it('that confirmation refused never was in the table', () => {
    const [flow] = flowsOf((script) => {
      script.flow(ASKED, ANSWERED, { flow: FLOW, status: 0 });
      script.confirm(ANSWERED, { flow: FLOW, verdict: 0 });
      script.end(ASKED, { flow: FLOW, isUnconfirmed: true });
    });
    expect(flow).toMatchObject({
      confirm: 'refused',
      confirmed_at: null,
      end: 'never confirmed',
      complete: true,
    });
  });

  it('is another one at the same entry address after it ended', () => {
    const flows = flowsOf((script) => {
      firstForwarded(script, { flow: FLOW });
      script.end(ASKED, { flow: FLOW, status: MAPPED | Status.dying });
      firstForwarded(script, { flow: FLOW + 1n });
    });
    expect(flows.map(({ flow, end, entry }) => ({ flow, end, entry }))).toEqual([
      { flow: FLOW, end: 'expired', entry: 0xffff_8881_8100_0b00n },
      { flow: FLOW + 1n, end: 'open', entry: 0xffff_8881_8100_0b00n },
    ]);
  });

  it('still takes packets under way after its end', () => {
    const flows = flowsOf((script) => {
      firstForwarded(script, { flow: FLOW });
      script.end(ASKED, { flow: FLOW, status: MAPPED | Status.dying });
      script.wait(900_000_000n);
      for (let n = 0; n < 70; n++) script.visit('prerouting', ASKED, { skb: 3n, netns: 9 });
      replyForwarded(script, { flow: FLOW });
    });
    expect(flows).toHaveLength(1);
    expect(flows[0]).toMatchObject({ packets_reply: 1n, end: 'expired' });
  });

  it('is forgotten a second after its end', () => {
    const flows = flowsOf((script) => {
      firstForwarded(script, { flow: FLOW });
      script.end(ASKED, { flow: FLOW, status: MAPPED | Status.dying });
      script.wait(1_001_000_000n);
      for (let n = 0; n < 70; n++) script.visit('prerouting', ASKED, { skb: 3n, netns: 9 });
      replyForwarded(script, { flow: FLOW });
    });
    expect(flows.map(({ packets_reply, complete }) => [packets_reply, complete])).toEqual([
      [0n, true],
      [1n, false],
    ]);
  });

  it('has no mapping where the kernel refused to make one', () => {
    const [flow] = flowsOf((script) => {
      script.flow(ASKED, ANSWERED, { flow: FLOW, status: 0 });
      script.mapping('dst', REPLY, { flow: FLOW, status: 0, verdict: 0 });
    });
    expect(flow).toMatchObject({ dst_nat: 'none', src_reply: ANSWERED.src });
  });

  it('that is in the table asks the chains in vain, where they came later', () => {
    const script = new Script();
    const place = { flow: FLOW, ctinfo: 2, status: Status.confirmed };
    script.flow(ASKED, ANSWERED, { flow: FLOW, isOlder: true, status: Status.confirmed });
    script.visit('prerouting', ASKED, { ...place, flags: RAN | CHAINS });
    script.visit('forward', ASKED, { ...place, flags: HAD });
    script.visit('postrouting', ASKED, { ...place, flags: HAD | CHAINS });
    const { packets, flows } = rebuilt(script.records);
    expect(packets[0]).toMatchObject({
      src_nat: 'none',
      dst_nat: 'none',
      confirm: 'none',
      chain_runs: 2,
      complete: true,
    });
    expect(flows[0]).toMatchObject({ chain_packets: 1n, mapped_packets: 0n });
  });
});

describe('a second packet that is under way while the first is confirmed', () => {
  it('decided nothing, though its visit was open meanwhile', () => {
    const script = new Script();
    const second = { skb: 2n, cpu: 1 };
    script.flow(ASKED, ANSWERED, { flow: FLOW, status: 0 });
    script.visit('prerouting', ASKED, {
      ...second,
      flow: FLOW,
      ctinfo: 2,
      status: Status.confirmed | Status.srcNatDone | Status.dstNatDone,
      flags: RAN,
      during: () => {
        script.mapping('src', REPLY, { flow: FLOW });
        script.confirm(REPLY, { flow: FLOW, status: MAPPED });
      },
    });
    const { packets } = rebuilt(script.records);
    expect(packets[0]).toMatchObject({ src_nat: 'none', confirm: 'none' });
  });
});

describe('a request and its reply on two CPUs', () => {
  it('keep to their own packets, however they interleave', () => {
    const request = new Script({ skb: 1n, cpu: 0 });
    firstForwarded(request, { flow: FLOW });
    const reply = new Script({ skb: 2n, cpu: 1 });
    reply.now = request.now - 50n; // while postrouting of the request still runs
    replyForwarded(reply, { flow: FLOW });
    const { packets, flows } = rebuilt([...request.records, ...reply.records]);
    expect(
      packets.map(({ direction, src_nat, complete }) => [direction, src_nat, complete]),
    ).toEqual([
      ['original', 'rule', true],
      ['reply', 'mapping', true],
    ]);
    expect(flows[0]).toMatchObject({ packets: 1n, packets_reply: 1n, complete: true });
  });
});

describe('what does not fit', () => {
  it('is given up and counted, packets that are not finished', () => {
    const script = new Script();
    for (let n = 1n; n <= 5n; n++) {
      script.visit('prerouting', ASKED, { skb: n, flow: n, ctinfo: 2, flags: RAN });
    }
    const { packets, rebuild } = rebuilt(script.records, { packetLimit: 3 });
    expect(rebuild.evicted.packets).toBe(2);
    expect(packets.map(({ flow, complete }) => [flow, complete])).toEqual(
      [1n, 2n, 3n, 4n, 5n].map((flow) => [flow, false]),
    );
  });

  it('is no loss where the packet was at its end', () => {
    const script = new Script();
    for (let n = 1n; n <= 5n; n++) {
      script.visit('postrouting', ASKED, { skb: n, verdict: 1 });
    }
    const { packets, rebuild } = rebuilt(script.records, { packetLimit: 3 });
    expect(rebuild.evicted.packets).toBe(0);
    expect(packets.every(({ complete }) => complete === true)).toBe(true);
  });

  it('is given up and counted, flows that are still open', () => {
    const script = new Script();
    for (let n = 1n; n <= 5n; n++) script.flow(ASKED, inverted(ASKED), { flow: n, status: 0 });
    const { flows, rebuild } = rebuilt(script.records, { flowLimit: 3 });
    expect(rebuild.evicted.flows).toBe(2);
    expect(flows.map(({ flow, complete }) => [flow, complete])).toEqual([
      [1n, false],
      [2n, false],
      [3n, true],
      [4n, true],
      [5n, true],
    ]);
  });

  it('is no loss where the flow had ended', () => {
    const script = new Script();
    for (let n = 1n; n <= 5n; n++) {
      script.flow(ASKED, inverted(ASKED), { flow: n, status: 0 });
      script.end(ASKED, { flow: n });
    }
    const { flows, rebuild } = rebuilt(script.records, { flowLimit: 3 });
    expect(rebuild.evicted.flows).toBe(0);
    expect(flows.every(({ complete }) => complete === true)).toBe(true);
  });
});
