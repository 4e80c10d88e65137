/** The same records give the same rows, whatever the drains were. */
import { describe, expect, it } from 'vitest';
import { RecordFlag } from '../../src/wire/layout.ts';
import { type Random, seeded } from '../wire/random.ts';
import { rebuilt, Script, type TupleForm } from './script.ts';
import {
  ASKED,
  DROP,
  firstForwarded,
  firstIn,
  firstOut,
  laterForwarded,
  replyForwarded,
  SENT,
} from './traffic.ts';

const { packetIsPart: PART, packetHadEntry: HAD } = RecordFlag;

/** Traffic of several CPUs at once, with few addresses, drops, losses and ends. */
function traffic(random: Random, cpus = [0, 1, 2], form: TupleForm = 'two records'): Buffer[] {
  const place = (cpu: number) => ({ cpu, skb: BigInt(cpu) * 0x1000n + 256n });
  const scripts = cpus.map((cpu) => new Script(place(cpu), form));
  for (let step = 0; step < 150; step++) {
    const script = random.pick(scripts);
    const flow = BigInt(1 + random.below(6));
    const skb = BigInt(256 * (1 + random.below(3))) + BigInt(scripts.indexOf(script)) * 0x1000n;
    const write: (() => void)[] = [
      () => firstForwarded(script, { flow, skb }),
      () => {
        const rules = { srcRule: 0x4800_0000_0000_0011n, dstRule: 0x4000_0000_0000_0017n };
        const firstNs = script.now - 1_900_000_000n; // its low word is above that of now, at times
        firstForwarded(script, { flow, skb }, { ...rules, zone: 0x1_0009, firstNs });
      },
      () => laterForwarded(script, { flow, skb }),
      () => replyForwarded(script, { flow, skb }),
      () => firstIn(script, ASKED, { flow, skb }),
      () => laterForwarded(script, { flow, skb }, { came: ASKED, left: SENT }),
      () => {
        script.traversal(['prerouting'], { came: ASKED, skb, verdict: DROP });
        script.drop(ASKED, { skb });
      },
      () => script.traversal(['prerouting'], { came: ASKED, skb, flow, flags: PART }),
      () => {
        script.traversal(['prerouting'], { came: ASKED, skb, verdict: DROP });
        script.drop(ASKED, { skb });
        script.traversal(['input'], { skb, flow });
      },
      () => script.traversal(['postrouting'], { came: ASKED, skb, flow, flags: HAD }),
      () => firstOut(script, ASKED, { flow, skb }, 1),
      () => script.traversal(['prerouting', 'input'], { flow, skb, in: 1, flags: HAD }),
      () => script.end(ASKED, { flow }),
      () => script.lose(scripts.indexOf(script)),
      () => script.wait(BigInt(random.pick([100, 3_000_000, 9_990_000, 700_000_000]))),
    ];
    random.pick(write)();
  }
  const all = scripts.flatMap(({ records }) => records);
  const time = (record: Buffer): bigint => record.readBigUInt64LE(0);
  return all.sort((a, b) => (time(a) < time(b) ? -1 : time(a) > time(b) ? 1 : 0));
}

it.each(Array.from({ length: 12 }, (_, seed) => seed))(
  'seed %i: an entry told in one record or in two gives the same rows',
  (seed) => {
    const two = rebuilt(traffic(seeded(seed), [0], 'two records'));
    const one = rebuilt(traffic(seeded(seed), [0], 'one record'));
    expect(one.flows).toEqual(two.flows);
    expect(one.packets).toEqual(two.packets);
    expect(one.rebuild.decidedRules.all).toEqual(two.rebuild.decidedRules.all);
  },
);

describe.each(Array.from({ length: 12 }, (_, seed) => seed))('seed %i', (seed) => {
  const random = seeded(seed);
  const records = traffic(random);
  const { packets, flows } = rebuilt(records);

  it('rows do not depend on the drains or on the size of a batch', () => {
    for (let way = 0; way < 4; way++) {
      const chunks = Array.from({ length: 5 }, () => 1 + random.below(way === 0 ? 2 : 90));
      const flushes = way % 2 === 1;
      const other = rebuilt(records, { chunks, flushes, batchRows: 1 + random.below(50) });
      expect(other.packets).toEqual(packets);
      expect(other.flows).toEqual(flows);
    }
  });

  it('nor do those of a table of flows that is too small', () => {
    const flowLimit = 1 + random.below(4);
    const whole = rebuilt(records, { flowLimit });
    for (let way = 0; way < 4; way++) {
      const chunks = [1 + random.below(way === 0 ? 2 : 90)];
      const other = rebuilt(records, { chunks, flowLimit });
      expect(other.packets).toEqual(whole.packets);
      expect(other.flows).toEqual(whole.flows);
    }
  });

  it('every packet is numbered in the order it was seen in, and counted by its flow', () => {
    expect(packets.map(({ packet }) => packet)).toEqual(packets.map((_, n) => BigInt(n + 1)));
    const counted = flows.reduce(
      (sum, row) => sum + BigInt(row.packets as bigint) + BigInt(row.packets_reply as bigint),
      0n,
    );
    expect(counted).toBe(BigInt(packets.filter(({ flow }) => flow !== null).length));
  });
});
