import { describe, expect, it } from 'vitest';
import { RuleBits, RuleKind } from '../../src/wire/layout.ts';
import { columnsOf, NETNS, rebuilt, Script } from './script.ts';
import {
  ASKED,
  ESTABLISHED,
  firstForwarded,
  laterForwarded,
  MAPPED,
  REPLY,
  replyForwarded,
} from './traffic.ts';

/** As bpf/rule.h puts it together. */
function ruleWord(kind: number, hook: number, table: number, number: bigint): bigint {
  const { numberBits, tableBits, hookBits } = RuleBits;
  const upper = (BigInt(kind) << BigInt(hookBits)) | BigInt(hook);
  return (((upper << BigInt(tableBits)) | BigInt(table)) << BigInt(numberBits)) | number;
}

const nft = (hook: number, table: number, number: bigint) =>
  ruleWord(RuleKind.nft, hook, table, number);

const DNAT = nft(0, 0x8f_0003, 0x6_8000_0011n);
const MASQUERADE = nft(4, 0x8f_0003, 0x6_8000_0017n);
const FLOW = 0x0100_0000_0007n;

function decidedOf(write: (script: Script) => void) {
  const script = new Script();
  write(script);
  const { rebuild, flows } = rebuilt(script.records);
  return { flows, rules: rebuild.decidedRules.all };
}

describe('the rules that decided', () => {
  it('are numbered by first sight, and named in the flow', () => {
    const { flows, rules } = decidedOf((script) => {
      firstForwarded(script, { flow: FLOW }, { srcRule: MASQUERADE, dstRule: DNAT });
    });
    expect(columnsOf(flows, 'src_rule', 'dst_rule')).toEqual([{ src_rule: 1, dst_rule: 2 }]);
    expect(rules).toMatchObject([
      { rule: 1, netns: NETNS, backend: 'nft', table: 0x8f_0003, number: 0x6_8000_0017 },
      { rule: 2, netns: NETNS, backend: 'nft', table: 0x8f_0003, number: 0x6_8000_0011 },
    ]);
  });

  it('are the same at whatever hook they are asked', () => {
    const atOutput = nft(3, 0x8f_0003, 0x6_8000_0011n);
    const { flows } = decidedOf((script) => {
      firstForwarded(script, { flow: FLOW }, { dstRule: DNAT });
      firstForwarded(script, { flow: FLOW + 1n }, { dstRule: atOutput });
    });
    expect(columnsOf(flows, 'src_rule', 'dst_rule')).toEqual([
      { src_rule: null, dst_rule: 1 },
      { src_rule: null, dst_rule: 1 },
    ]);
  });

  it('are others with an equal handle in another table, namespace or backend', () => {
    const legacy = ruleWord(RuleKind.legacy, 0, 0x8f_0003, 0x6_8000_0011n);
    const { rules } = decidedOf((script) => {
      firstForwarded(script, { flow: FLOW }, { dstRule: DNAT });
      firstForwarded(script, { flow: FLOW + 1n }, { dstRule: nft(0, 4, 0x6_8000_0011n) });
      firstForwarded(script, { flow: FLOW + 2n, netns: 8 }, { dstRule: DNAT });
      firstForwarded(script, { flow: FLOW + 3n }, { dstRule: legacy });
      firstForwarded(script, { flow: FLOW + 4n }, { dstRule: legacy, family: 6 });
    });
    expect(rules.map(({ rule, netns, backend, family }) => [rule, netns, backend, family])).toEqual(
      [
        [1, NETNS, 'nft', 4],
        [2, NETNS, 'nft', 4],
        [3, 8, 'nft', 4],
        [4, NETNS, 'legacy', 4],
        [5, NETNS, 'legacy', 6],
      ],
    );
  });

  it('are others from a change of the rules of their namespace on', () => {
    const { flows } = decidedOf((script) => {
      firstForwarded(script, { flow: FLOW }, { dstRule: DNAT });
      firstForwarded(script, { flow: FLOW + 1n, netns: 8 }, { dstRule: DNAT });
      script.rulesChanged(NETNS);
      firstForwarded(script, { flow: FLOW + 2n }, { dstRule: DNAT });
      firstForwarded(script, { flow: FLOW + 3n }, { dstRule: DNAT });
      firstForwarded(script, { flow: FLOW + 4n, netns: 8 }, { dstRule: DNAT });
    });
    const numbers = columnsOf(flows, 'flow', 'dst_rule').map(({ dst_rule }) => dst_rule);
    expect(numbers).toEqual([1, 2, 3, 3, 2]);
  });

  it('are none where the header was not found, or where no rule decided', () => {
    const lost = ruleWord(RuleKind.notFound, 0, 5, 9n);
    const { flows, rules } = decidedOf((script) => {
      firstForwarded(script, { flow: FLOW }, { srcRule: 0n, dstRule: lost });
    });
    expect(columnsOf(flows, 'src_rule', 'dst_rule')).toEqual([{ src_rule: null, dst_rule: null }]);
    expect(rules).toEqual([]);
  });

  it('leave first sight and the entry as the original tuple told them', () => {
    const [flow] = decidedOf((script) => {
      const entry = 0xffff_8881_0000_0900n;
      firstForwarded(script, { flow: FLOW }, { dstRule: DNAT, entry, firstNs: 0x1_0000_0005n });
    }).flows;
    expect(flow).toMatchObject({ entry: 0xffff_8881_0000_0900n, first_ktime_ns: 0x1_0000_0005n });
  });
});

describe('what a rule translated', () => {
  it('is every packet of its flows, in both directions', () => {
    const { rules } = decidedOf((script) => {
      firstForwarded(script, { flow: FLOW }, { dstRule: DNAT });
      laterForwarded(script, { flow: FLOW }, { len: 500 });
      laterForwarded(script, { flow: FLOW }, { len: 41 });
      replyForwarded(script, { flow: FLOW }, { len: 90 });
    });
    expect(rules).toMatchObject([
      { flows: 1, packets: 3, packetsReply: 1, bytes: 601, bytesReply: 90 },
    ]);
  });

  it('is not what was dropped before the end was rewritten', () => {
    const { rules } = decidedOf((script) => {
      firstForwarded(script, { flow: FLOW }, { srcRule: MASQUERADE, dstRule: DNAT });
      script.traversal(['prerouting', 'forward'], {
        flow: FLOW,
        ctinfo: ESTABLISHED,
        status: MAPPED,
        len: 700,
        left: { ...ASKED, dst: '203.0.113.2', dstPort: 80 },
        rewritten: ['prerouting'],
        verdict: 0,
      });
      script.drop({ ...ASKED, dst: '203.0.113.2', dstPort: 80 }, { flow: FLOW });
    });
    expect(rules).toMatchObject([
      { rule: 1, flows: 1, packets: 1, bytes: 60 }, // masquerade, at postrouting
      { rule: 2, flows: 1, packets: 2, bytes: 760 }, // dnat, at prerouting
    ]);
  });
});

describe('with flows alone', () => {
  it('packets are what conntrack counted, of flows that end and of those that do not', () => {
    const { rules, flows } = decidedOf((script) => {
      script.flow(ASKED, REPLY, { flow: FLOW, decided: 0, confirmed: 1, dstRule: DNAT });
      script.counted([11n, 0x1_0000_0022n, 33n, 44n], { flow: FLOW });
      script.flow(ASKED, REPLY, { flow: FLOW + 1n, confirmed: 1, dstRule: DNAT });
      script.counted([5n, 66n, 7n, 88n], { flow: FLOW + 1n, isOpen: true });
    });
    expect(
      columnsOf(flows, 'packets', 'bytes', 'packets_reply', 'bytes_reply', 'end', 'src'),
    ).toEqual([
      {
        packets: 11n,
        bytes: 0x1_0000_0022n,
        packets_reply: 33n,
        bytes_reply: 44n,
        end: 'deleted',
        src: ASKED.src,
      },
      { packets: 5n, bytes: 66n, packets_reply: 7n, bytes_reply: 88n, end: 'open', src: ASKED.src },
    ]);
    expect(rules).toMatchObject([
      { flows: 2, packets: 16, bytes: 0x1_0000_0064, packetsReply: 40, bytesReply: 132 },
    ]);
  });

  it("what an older flow had counted before is not taken for the trace's", () => {
    const { flows } = decidedOf((script) => {
      script.flow(ASKED, REPLY, { flow: FLOW, isOlder: true, status: MAPPED });
      script.counted([11n, 22n, 33n, 44n], { flow: FLOW });
    });
    expect(columnsOf(flows, 'packets', 'end')).toEqual([{ packets: 0n, end: 'deleted' }]);
  });
});

it('changes of rules are kept with their time and namespace', () => {
  const script = new Script();
  script.rulesChanged(NETNS);
  script.wait(1_000_000n);
  script.rulesChanged(12);
  const { rebuild } = rebuilt(script.records);
  const [first, second] = rebuild.rulesChanges;
  expect([first?.netns, second?.netns]).toEqual([NETNS, 12]);
  expect(second!.atNs - first!.atNs).toBe(1_000_100n);
});
