import { describe, expect, it } from 'vitest';
import { Evaluator, type Outcome } from '../../src/explain/evaluate.ts';
import { type Assumed, Inference } from '../../src/explain/infer.ts';
import type { Rule, Ruleset } from '../../src/model/ruleset.ts';
import { oneWay } from './one-way.ts';
import { type Chance, chance, randomAsked, randomRuleset } from './random-rules.ts';
import { asked, base, dnat, is, rule, ruleset } from './rules.ts';

const MANY_CHANCES = 6;
const SLOW_MS = 60_000;

function chancesOf({ chains }: Ruleset): string[] {
  const terms = chains.flatMap(({ rules }) => rules.flatMap((one) => one.terms));
  return terms.flatMap((term) => ('unknown' in term ? term.unknown : []));
}

/** A packet with ports: of another, whether a term about ports holds is not known either. */
function askedWithPorts(random: Chance) {
  const packet = randomAsked(random);
  return packet.protocol === 1 ? { ...packet, protocol: 17 } : packet;
}

function* everyChance(names: readonly string[]) {
  for (let bits = 0; bits < 1 << names.length; bits++) {
    yield new Map(names.map((name, index) => [name, ((bits >> index) & 1) === 1]));
  }
}

/** Everything that can come out, whatever the chances come to. */
function everyWay(rules: Ruleset, names: readonly string[], packet: ReturnType<typeof asked>) {
  const found = new Set<Rule | null | 'drop'>();
  for (const chances of everyChance(names)) found.add(oneWay(rules, packet, chances));
  return found;
}

describe('2,000 rulesets by chance', () => {
  it(
    'decide as a plain walk over them does, in every way their chances may come out',
    () => {
      const random = chance(7);
      const seen = { certain: 0, open: 0, equal: 0 };
      for (let run = 0; run < 2000; run++) {
        const rules = randomRuleset(random, 5);
        const names = chancesOf(rules);
        if (names.length > MANY_CHANCES) continue;
        const packet = askedWithPorts(random);
        const outcome = new Evaluator(rules, run % 2).ask(packet);
        const said = new Set<Rule | null | 'drop'>(outcome.decisions.map((one) => one.rule));
        if (outcome.mayDrop) said.add('drop');
        const ways = everyWay(rules, names, packet);
        const context = `run ${run}`;
        expect(
          [...ways].filter((way) => !said.has(way)),
          context,
        ).toEqual([]);
        if (names.length === 0) expect([...said], context).toEqual([...ways]);
        const sure = outcome.met.find(({ truth }) => truth === 'yes');
        if (sure !== undefined) expect([...ways], context).toEqual([sure.rule]);
        seen[ways.size === 1 ? 'certain' : 'open']++;
        if (said.size === ways.size) seen.equal++;
      }
      expect(seen.certain).toBeGreaterThan(900);
      expect(seen.open).toBeGreaterThan(100);
      // what is not equal is one chance asked twice, or a mark that hangs on one
      expect(seen.equal / (seen.certain + seen.open)).toBeGreaterThan(0.95);
    },
    SLOW_MS,
  );

  it(
    'are met alike with and without an index',
    () => {
      const random = chance(11);
      for (let run = 0; run < 2000; run++) {
        const rules = randomRuleset(random, 20);
        const packet = randomAsked(random);
        const { mark: _, ...unmarked } = packet;
        const one = run % 3 === 0 ? unmarked : packet;
        const indexed = new Evaluator(rules, 0).ask(one);
        expect(indexed, `run ${run}`).toEqual(new Evaluator(rules, Infinity).ask(one));
      }
    },
    SLOW_MS,
  );

  it(
    'say of packets that are alike what they say of each by itself',
    () => {
      const random = chance(13);
      const outcomes = new Set<unknown>();
      for (let run = 0; run < 300; run++) {
        const rules = randomRuleset(random, 8);
        const evaluator = new Evaluator(rules);
        for (let count = 0; count < 20; count++) {
          const packet = randomAsked(random);
          const { mark: _, ...unmarked } = packet;
          const one = count % 3 === 0 ? unmarked : packet;
          const outcome = evaluator.ask(one);
          outcomes.add(outcome);
          expect(outcome, `run ${run}`).toEqual(new Evaluator(rules).ask(one));
        }
      }
      expect(outcomes.size).toBeLessThan(300 * 20);
    },
    SLOW_MS,
  );
});

describe('what a decision tells about rules that hang on chance', () => {
  const maybes = ({ others }: Outcome) => others.filter(({ truth }) => truth === 'maybe').length;

  it(
    'is never that one was passed that was not, or the other way round',
    () => {
      const random = chance(17);
      const seen = { before: 0, after: 0, ways: 0 };
      for (let run = 0; run < 1500; run++) {
        const rules = randomRuleset(random, 6);
        const names = chancesOf(rules);
        if (names.length === 0 || names.length > MANY_CHANCES) continue;
        const { mark, ...unmarked } = askedWithPorts(random);
        const packet = run % 2 === 0 ? { ...unmarked, mark } : unmarked;
        const evaluator = new Evaluator(rules);
        const outcome = evaluator.ask(packet);
        for (const chances of everyChance(names)) {
          const passed = new Set<Rule>();
          const by = oneWay(rules, packet, chances, passed);
          const decider = by === null ? null : outcome.met.find(({ rule: one }) => one === by);
          if (by === 'drop' || decider === undefined) continue;
          const again = {
            evaluate: (assumed: Assumed) => evaluator.assume(packet, assumed),
            counts: () => true,
          };
          const told = new Inference().given(outcome, decider, again);
          const context = `run ${run}, ${[...chances]}`;
          const sure = told.others.filter(({ truth }) => truth === 'yes');
          expect(
            sure.filter(({ rule: one }) => !passed.has(one)),
            context,
          ).toEqual([]);
          const possible = new Set([...told.others, ...told.met].map(({ rule: one }) => one));
          expect(
            [...passed].filter((one) => !possible.has(one)),
            context,
          ).toEqual([]);
          seen.before += maybes(outcome);
          seen.after += maybes(told);
          seen.ways++;
        }
      }
      expect(seen.ways).toBeGreaterThan(1000);
      expect(seen.after).toBeLessThan(seen.before * 0.8);
    },
    SLOW_MS,
  );
});

it('one rule of ten thousand is found', () => {
  const port = (index: number) => String(1000 + (index % 50_000));
  const address = (index: number) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
  const rules = Array.from({ length: 10_000 }, (_, index) =>
    rule(
      is('protocol', '6'),
      is('dst', address(index)),
      is('dst_port', port(index)),
      dnat('10.9.9.9'),
    ),
  );
  const evaluator = new Evaluator(ruleset(base('prerouting', rules)));
  const asks = 20_000;
  for (let run = 0; run < asks; run++) {
    const index = (run * 7919) % 12_000;
    const outcome = evaluator.ask(asked({ dst: address(index), dstPort: Number(port(index)) }));
    if (outcome.met.length !== (index < 10_000 ? 1 : 0)) expect.fail(`ask ${run}`);
  }
});
