import { describe, expect, it } from 'vitest';
import { Status } from '../../src/model/codes.ts';
import { RecordFlag } from '../../src/wire/layout.ts';
import { ENTRY, NETNS, type Row, rebuilt, Script } from './script.ts';
import {
  ANSWERED,
  ASKED,
  firstForwarded,
  forwardedWithoutEntry,
  inverted,
  laterForwarded,
  MAPPED,
  NULLS,
  REPLY,
  RULES,
  replyForwarded,
  UNMAPPED,
} from './traffic.ts';

const FLOW = 0x0100_0000_0007n;
const { packetConntrackRan: RAN, flowDstRule, flowSrcNull } = RecordFlag;

function flowsOf(write: (script: Script) => void): Row[] {
  const script = new Script();
  write(script);
  return rebuilt(script.records).flows;
}

/** So many records that have nothing to do with it pass: closed flows are looked at. */
function others(script: Script): void {
  for (let n = 0; n < 600; n++) forwardedWithoutEntry(script, ASKED, { skb: 3n, netns: 9 });
}

describe('a flow', () => {
  it('older than the trace says so, and what its status shows of its mappings', () => {
    const [flow] = flowsOf((script) => {
      const entry = 0xffff_8883_9100_0c00n;
      script.flow(ASKED, REPLY, {
        flow: FLOW,
        isOlder: true,
        status: MAPPED,
        mark: 9,
        zone: 0x0003_000c, // direction bits in the upper half
        entry,
        firstNs: 0x1_2345_6789n,
      });
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
      zone_direction: 'both',
      mark: 9,
      netns: NETNS,
      entry: 0xffff_8883_9100_0c00n,
      first_ktime_ns: 0x1_2345_6789n,
      first_at: 0x1_2345_6789n,
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

  it.each([
    ['rules', RULES, 'rule', 'rule'],
    ['null bindings', NULLS, 'null mapping', 'null mapping'],
    ['a rule and a null binding', flowDstRule | flowSrcNull, 'null mapping', 'rule'],
  ])('is decided by %s', (_, decided, src_nat, dst_nat) => {
    const script = new Script();
    const firstNs = script.now - 7n;
    const at = { flow: FLOW, status: MAPPED, decided, confirmed: 1, firstNs };
    script.flow(ASKED, REPLY, at);
    expect(rebuilt(script.records).flows[0]).toMatchObject({
      src_nat,
      dst_nat,
      confirm: 'inserted',
      confirmed_at: firstNs + 7n + 200n,
      first_ktime_ns: firstNs,
      older: false,
      complete: true,
    });
  });

  it('takes a new mark, and keeps how it began', () => {
    const [flow] = flowsOf((script) => {
      firstForwarded(script, { flow: FLOW }, { mark: 1 });
      script.flow(ASKED, REPLY, { flow: FLOW, status: MAPPED, mark: 0xffff_fff2, decided: RULES });
    });
    expect(flow).toMatchObject({
      mark: 0xffff_fff2,
      older: false,
      src_nat: 'rule',
      confirm: 'inserted',
    });
  });

  it('older than the trace stays so when its mark is told again', () => {
    const [flow] = flowsOf((script) => {
      const older = { flow: FLOW, isOlder: true, status: MAPPED };
      script.flow(ASKED, REPLY, { ...older, mark: 1 });
      script.flow(ASKED, REPLY, { ...older, mark: 2 });
    });
    expect(flow).toMatchObject({ mark: 2, older: true, confirm: 'older', src_nat: 'older' });
  });

  it('told anew because a record did not fit is none the less the same', () => {
    const script = new Script();
    firstForwarded(script, { flow: FLOW });
    script.flow(ASKED, REPLY, { flow: FLOW, status: MAPPED, decided: RULES });
    const { flows } = rebuilt(script.records.filter((_, index) => index !== 1));
    expect(flows[0]).toMatchObject({ confirm: 'inserted', older: false, complete: true });
  });

  it.each([
    ['expired', 0, {}],
    ['expired', -500, {}],
    ['deleted', 1, {}],
    ['never confirmed', 300, { isUnconfirmed: true }],
  ])('ends %s with %i jiffies to go', (end, remaining, how) => {
    const script = new Script();
    script.flow(ASKED, ANSWERED, { flow: FLOW, status: 0 });
    script.end(ASKED, { flow: FLOW, remaining, ...how });
    expect(rebuilt(script.records).flows[0]).toMatchObject({
      end,
      ended_at: script.now,
      complete: true,
    });
  });

  it('that confirmation refused never was in the table', () => {
    const [flow] = flowsOf((script) => {
      script.flow(ASKED, ANSWERED, { flow: FLOW, status: 0, confirmed: 0 });
      script.end(ASKED, { flow: FLOW, isUnconfirmed: true });
    });
    expect(flow).toMatchObject({
      confirm: 'refused',
      confirmed_at: null,
      end: 'never confirmed',
      complete: true,
    });
  });

  it('never confirmed is told at its end, with what had been decided', () => {
    const [flow] = flowsOf((script) => {
      const status = Status.dstNat | Status.dstNatDone;
      script.flow(ASKED, REPLY, { flow: FLOW, status, decided: flowDstRule });
      script.end(ASKED, { flow: FLOW, isUnconfirmed: true, status });
    });
    expect(flow).toMatchObject({
      confirm: 'none',
      end: 'never confirmed',
      dst_nat: 'rule',
      src_nat: 'none',
      src_reply: REPLY.src,
      complete: true,
    });
  });

  it('that lost a clash keeps its own tuple, not that of the winner', () => {
    const winner = { ...ASKED, srcPort: 4321 };
    const [flow] = flowsOf((script) => {
      script.merged(winner, { flow: FLOW, status: UNMAPPED });
      script.flow(ASKED, ANSWERED, { flow: FLOW, status: 0 });
      script.end(ASKED, { flow: FLOW, isUnconfirmed: true });
    });
    expect(flow).toMatchObject({
      confirm: 'merged',
      src_port: ASKED.srcPort,
      end: 'never confirmed',
      confirmed_at: null,
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
      { flow: FLOW, end: 'expired', entry: ENTRY },
      { flow: FLOW + 1n, end: 'open', entry: ENTRY },
    ]);
  });

  it('still takes packets under way after its end', () => {
    const flows = flowsOf((script) => {
      firstForwarded(script, { flow: FLOW });
      script.end(ASKED, { flow: FLOW, status: MAPPED | Status.dying });
      script.wait(900_000_000n);
      others(script);
      replyForwarded(script, { flow: FLOW });
    });
    expect(flows).toMatchObject([{ packets_reply: 1n, end: 'expired' }]);
  });

  it('is forgotten a second after its end', () => {
    const flows = flowsOf((script) => {
      firstForwarded(script, { flow: FLOW });
      script.end(ASKED, { flow: FLOW, status: MAPPED | Status.dying });
      script.wait(1_001_000_000n);
      others(script);
      replyForwarded(script, { flow: FLOW });
    });
    expect(flows.map(({ packets_reply, complete }) => [packets_reply, complete])).toEqual([
      [0n, true],
      [1n, false],
    ]);
  });

  it('is handed over then, though little comes after it', () => {
    const script = new Script();
    firstForwarded(script, { flow: FLOW });
    script.end(ASKED, { flow: FLOW, status: MAPPED | Status.dying });
    script.wait(1_001_000_000n);
    forwardedWithoutEntry(script, ASKED, { skb: 3n, netns: 9 });
    const seen = script.records.length;
    replyForwarded(script, { flow: FLOW });
    const { flows } = rebuilt(script.records, { chunks: [seen], flushes: true });
    expect(flows.map(({ packets_reply }) => packets_reply)).toEqual([0n, 1n]);
  });

  it('that is in the table asks the chains in vain, where they came later', () => {
    const script = new Script();
    script.flow(ASKED, ANSWERED, { flow: FLOW, isOlder: true, status: Status.confirmed });
    script.traversal(['prerouting', 'forward', 'postrouting'], {
      flow: FLOW,
      ctinfo: 2,
      status: Status.confirmed,
      flags: RAN,
      chains: ['prerouting', 'postrouting'],
    });
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

  it('counts bytes beyond 32 bits', () => {
    const [flow] = flowsOf((script) => {
      script.flow(ASKED, REPLY, { flow: FLOW, isOlder: true, status: MAPPED });
      for (let n = 0; n < 4_100; n++) laterForwarded(script, { flow: FLOW }, { len: 0xf_fff1 });
    });
    expect(flow).toMatchObject({ bytes: 4_100n * 0xf_fff1n, packets: 4_100n });
  });

  it('has the status that its last packet shows', () => {
    const status = MAPPED | Status.seenReply | Status.assured;
    const [flow] = flowsOf((script) => {
      script.flow(ASKED, REPLY, { flow: FLOW, isOlder: true, status: MAPPED });
      laterForwarded(script, { flow: FLOW }, { status });
      laterForwarded(script, { flow: FLOW }, { status: 0 }); // a packet that did not look
    });
    expect(flow).toMatchObject({ status });
  });
});

describe('a request and its reply on two CPUs', () => {
  it('keep to their own packets, however they interleave', () => {
    const request = new Script({ skb: 1n, cpu: 0 });
    firstForwarded(request, { flow: FLOW });
    const reply = new Script({ skb: 2n, cpu: 1 });
    reply.now = request.now - 50n;
    replyForwarded(reply, { flow: FLOW });
    const { packets, flows } = rebuilt([...request.records, ...reply.records]);
    expect(packets).toMatchObject([
      { direction: 'original', src_nat: 'rule', complete: true },
      { direction: 'reply', src_nat: 'mapping', complete: true },
    ]);
    expect(flows[0]).toMatchObject({ packets: 1n, packets_reply: 1n, complete: true });
  });
});

describe('what does not fit', () => {
  it('is given up and counted, flows that are still open', () => {
    const script = new Script();
    for (let n = 1n; n <= 5n; n++) {
      script.flow(ASKED, inverted(ASKED), { flow: n, status: 0 });
      script.wait(2_000_000_000n); // quiet: the first seen goes first
    }
    const { flows, rebuild } = rebuilt(script.records, { flowLimit: 3 });
    expect(rebuild.evicted).toBe(2);
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
    expect(rebuild.evicted).toBe(0);
    expect(flows.every(({ complete }) => complete === true)).toBe(true);
  });
});
