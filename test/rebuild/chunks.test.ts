/** The same records give the same rows, whatever the drains were. */
import { describe, expect, it } from 'vitest';
import { type Random, seeded } from '../wire/random.ts';
import { rebuilt, Script, type Tuple } from './script.ts';
import { ASKED, DROP, firstForwarded, firstIn, laterForwarded, replyForwarded } from './traffic.ts';

/** Traffic of several CPUs at once, with few addresses, drops, losses and ends. */
function traffic(random: Random): Buffer[] {
  const scripts = [0, 1, 2].map((cpu) => new Script({ cpu, skb: BigInt(cpu) * 0x1000n + 256n }));
  for (let step = 0; step < 150; step++) {
    const script = random.pick(scripts);
    const flow = BigInt(1 + random.below(6));
    const skb = BigInt(256 * (1 + random.below(3))) + BigInt(scripts.indexOf(script)) * 0x1000n;
    const write: (() => void)[] = [
      () => firstForwarded(script, { flow, skb }),
      () => laterForwarded(script, { flow, skb }),
      () => replyForwarded(script, { flow, skb }),
      () => firstIn(script, ASKED as Tuple, { flow, skb }),
      () =>
        script.visit('prerouting', ASKED, {
          skb,
          verdict: DROP,
          during: () => script.drop(ASKED, { skb }),
        }),
      () => script.end(ASKED, { flow }),
      () => script.lose(scripts.indexOf(script)),
      () => script.wait(BigInt(random.pick([100, 5_000_000, 700_000_000]))),
    ];
    random.pick(write)();
  }
  const all = scripts.flatMap(({ records }) => records);
  const time = (record: Buffer): bigint => record.readBigUInt64LE(0);
  return all.sort((a, b) => (time(a) < time(b) ? -1 : time(a) > time(b) ? 1 : 0));
}

describe.each(Array.from({ length: 12 }, (_, seed) => seed))('seed %i', (seed) => {
  const random = seeded(seed);
  const records = traffic(random);
  const { packets, flows } = rebuilt(records);

  it('rows do not depend on the drains or on the size of a batch', () => {
    for (let way = 0; way < 4; way++) {
      const chunks = Array.from({ length: 5 }, () => 1 + random.below(way === 0 ? 2 : 90));
      const other = rebuilt(records, { chunks, batchRows: 1 + random.below(50) });
      expect(other.packets).toEqual(packets);
      expect(other.flows).toEqual(flows);
    }
  });

  it('every packet is numbered in the order of its end, and counted by its flow', () => {
    expect(packets.map(({ packet }) => packet)).toEqual(packets.map((_, n) => BigInt(n + 1)));
    const counted = flows.reduce(
      (sum, row) => sum + BigInt(row.packets as bigint) + BigInt(row.packets_reply as bigint),
      0n,
    );
    expect(counted).toBe(BigInt(packets.filter(({ flow }) => flow !== null).length));
  });
});
