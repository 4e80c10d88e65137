/** What the shim makes of plain records is what is made of them one by one. */
import { describe, expect, it } from 'vitest';
import { Status, Verdict } from '../../src/model/codes.ts';
import { RecordFlag } from '../../src/wire/layout.ts';
import { type Random, seeded } from '../wire/random.ts';
import { type EntryOptions, type RebuiltOptions, rebuilt, Script, type Tuple } from './script.ts';
import { firstForwarded, inverted, laterForwarded, replyForwarded } from './traffic.ts';

const STATUSES = [
  Status.confirmed,
  Status.confirmed | Status.seenReply,
  Status.confirmed | Status.srcNatDone | Status.dstNatDone,
  Status.confirmed | Status.srcNat | Status.srcNatDone | Status.assured | Status.seenReply,
  Status.confirmed | Status.dstNat | Status.dstNatDone,
  0,
];
const DECIDED = [
  RecordFlag.flowSrcRule | RecordFlag.flowDstNull,
  RecordFlag.flowSrcNull,
  RecordFlag.flowDstRule,
  0,
];
/** enum record_rule: of nft at two hooks, of a second table, of the legacy backend, not found, none. */
const RULES = [
  0x4000_0018_0000_0011n,
  0x6000_0018_0000_0011n,
  0x4000_0020_0000_0017n,
  0x8001_0020_0000_0298n,
  0xc000_0000_0000_0000n,
  0n,
];
const NETNS = [4_026_532_001, 4_026_532_002];
const UDP = 17;

/** An entry keeps its family and its protocol: UDP, TCP, ICMP. */
function kindOf(flow: bigint): { readonly family: number; readonly l4proto: number } {
  const isIpv6 = flow % 3n === 0n;
  const protocols = [UDP, 6, isIpv6 ? 58 : 1];
  return { family: isIpv6 ? 6 : 4, l4proto: protocols[Number(flow % 7n) % 3]! };
}

function tupleOf(random: Random, isIpv6: boolean): Tuple {
  const host = (n: number) => (isIpv6 ? `2001:db8::${n + 1}` : `192.0.2.${n + 1}`);
  return {
    src: host(random.below(3)),
    dst: host(3 + random.below(3)),
    srcPort: 1000 + random.below(3),
    dstPort: 2000 + random.below(3),
  };
}

function entryOf(random: Random, flow: bigint): EntryOptions {
  const rules = random.below(3) > 0;
  return {
    flow,
    netns: random.pick(NETNS),
    ...kindOf(flow),
    status: random.pick(STATUSES),
    mark: random.below(3),
    state: random.pick([0, 1, 2, 4, 10, 15, 255]),
    zone: random.pick([0, 7, 0x1_0009, 0x3_0000]),
    decided: random.pick(DECIDED),
    isOlder: random.below(4) === 0,
    skb: 0n,
    ...(random.below(2) ? { confirmed: random.pick([Verdict.accept, Verdict.drop]) } : {}),
    ...(rules ? { srcRule: random.pick(RULES), dstRule: random.pick(RULES) } : {}),
  };
}

function step(script: Script, random: Random): void {
  const flow = BigInt(1 + random.below(7));
  const entry = entryOf(random, flow);
  const { netns, status, mark, state } = entry;
  const { family, l4proto } = kindOf(flow);
  const isIpv6 = family === 6;
  const place = {
    flow,
    netns: netns!,
    status: status!,
    mark: mark!,
    state: state!,
    family,
    l4proto,
  };
  const original = tupleOf(random, isIpv6);
  const reply = random.below(2) ? inverted(original) : inverted(tupleOf(random, isIpv6));
  const skb = BigInt(256 * (1 + random.below(3)));
  const packet = { flow, skb, netns: netns!, family, l4proto };
  const more = { l4proto, family, state: random.pick([1, 3, 4, 15]) };
  const write: (() => void)[] = [
    () => script.flow(original, reply, entry),
    () => script.flow(original, reply, entry),
    () => laterForwarded(script, packet, { ...more, status: place.status }),
    () => laterForwarded(script, packet, { ...more, came: original, left: 'mapped' }),
    () => {
      if (!isIpv6 && l4proto === UDP) firstForwarded(script, packet);
    },
    () => {
      const decided = random.pick(DECIDED);
      const confirm = random.pick(['none', 'inserted', 'refused', 'merged'] as const);
      laterForwarded(script, packet, {
        ...more,
        decided,
        confirm,
        ...random.pick([{ left: 'mapped' } as const, {}]),
      });
    },
    () => replyForwarded(script, packet, { l4proto, family }),
    () => script.end(original, { ...place, ...more, remaining: random.below(3) - 1 }),
    () => script.end(original, { ...place, isEvicted: true, isUnconfirmed: random.below(2) > 0 }),
    () => script.counted([3n, 333n, 2n, 0x1_0000_0222n], { ...place, isOpen: random.below(2) > 0 }),
    () => script.merged(original, packet),
    () => script.parent(5n, packet),
    () => script.changed(original, { ...place, ctinfo: 3 }),
    () => script.rulesChanged(netns!),
    () => script.lose(),
    () => script.wait(BigInt(random.pick([100, 9_990_000, 700_000_000]))),
  ];
  random.pick(write)();
}

function recordsOf(seed: number, steps: number): Buffer[] {
  const random = seeded(seed);
  const script = new Script({}, seed % 2 ? 'one record' : 'two records');
  for (let n = 0; n < steps; n++) step(script, random);
  return script.records;
}

function comparedRows(records: readonly Buffer[], options: RebuiltOptions) {
  const { rebuild, batches: _, ...rows } = rebuilt(records, options);
  const { tally, decidedRules, evicted } = rebuild;
  return {
    ...rows,
    ...{ evicted, rules: decidedRules.all, areCounted: decidedRules.hasAccounts },
    ...{ delivered: tally.delivered, skipped: tally.skipped, lossWindow: tally.lossWindow },
  };
}

function compare(records: readonly Buffer[], options: RebuiltOptions): void {
  const byShim = comparedRows(records, options);
  expect(byShim).toEqual(comparedRows(records, { ...options, oneByOne: true }));
  expect(byShim.flows.length).toBeGreaterThan(5);
}

describe.each(Array.from({ length: 24 }, (_, seed) => seed))('seed %i', (seed) => {
  const records = recordsOf(seed, 300);

  it('of packets', () => compare(records, { chunks: [1 + (seed % 60)], clockOffsetNs: 77n }));

  it('where records of their own tell changes', () => compare(records, { changesFrom: 'records' }));

  it('with flows alone, in small batches', () =>
    compare(records, { changesFrom: 'nothing', batchRows: 3 }));

  it('with a table that is full', () => compare(records, { flowLimit: 3, chunks: [17] }));
});

it('of more flows than the index has places for at first', () => {
  const random = seeded(5);
  const script = new Script();
  for (let n = 0; n < 3000; n++) {
    const original = { ...tupleOf(random, false), srcPort: n };
    script.flow(original, inverted(original), { ...entryOf(random, 1n), flow: BigInt(n + 1) });
    if (n % 3 === 0) script.end(original, { flow: BigInt(n + 1) });
    if (n % 700 === 0) script.wait(900_000_000n);
  }
  compare(script.records, {});
});

it('of a flow that leaves while a packet of it waits for its row', () => {
  const script = new Script();
  const tuples = Array.from({ length: 9 }, (_, n) => ({
    ...tupleOf(seeded(n), false),
    srcPort: n,
  }));
  for (const [n, original] of tuples.entries())
    script.flow(original, inverted(original), { flow: BigInt(n + 1), status: Status.confirmed });
  script.end(tuples[0]!, { flow: 1n });
  laterForwarded(script, { flow: 1n, skb: 256n });
  script.wait(1_500_000_000n);
  for (let n = 0; n < 1100; n++) laterForwarded(script, { flow: 2n, skb: 512n });
  compare(script.records, {});
});

it('of more rules than the shim is told of', () => {
  const script = new Script();
  for (let n = 0; n < 120; n++) {
    const original = { ...tupleOf(seeded(n), false), srcPort: n };
    const srcRule = 0x4000_0018_0000_0000n + BigInt(n % 40);
    const flow = BigInt(n + 1);
    script.flow(original, inverted(original), { flow, srcRule, status: Status.confirmed });
    script.counted([BigInt(n), 7n, 5n, 3n], { flow });
  }
  compare(script.records, {});
});
