/** Rulesets and packets by chance, from a seed; few values, so that they meet. */
import type { Asked } from '../../src/explain/evaluate.ts';
import type { Action, Chain, Rule, Ruleset, Term } from '../../src/model/ruleset.ts';
import {
  asked,
  base,
  chain,
  dnat,
  goTo,
  is,
  isNot,
  jump,
  marked,
  rule,
  ruleset,
  setMark,
} from './rules.ts';

export type Chance = (below: number) => number;

/** mulberry32. */
export function chance(seed: number): Chance {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const one = <T>(random: Chance, items: readonly T[]): T => items[random(items.length)]!;

const ADDRESSES = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'];
const PORTS = ['53', '80', '443', '2222'];
const PROTOCOLS = ['6', '17', '1'];

let unknowns = 0;

function term(random: Chance): Term {
  switch (random(12)) {
    case 0:
      return is('dst', one(random, ADDRESSES));
    case 1:
      return is('dst_port', one(random, PORTS));
    case 2:
      return is('src', one(random, ADDRESSES), one(random, ADDRESSES));
    case 3:
      return is('dst', '10.0.0.2-10.0.0.3', one(random, ADDRESSES));
    case 4:
      return isNot('dst_port', one(random, PORTS), one(random, PORTS));
    case 5:
      return marked(random(2), 1);
    case 6:
      return is('dst_port', ...PORTS.slice(random(4)), '1', '2', '3', '4-9');
    case 7:
      return { unknown: `chance ${unknowns++}` };
    case 8:
      return {
        fields: ['dst', 'protocol', 'dst_port'],
        any: [0, 1].map(() => [
          [one(random, ADDRESSES), '10.0.0.4'].sort() as [string, string],
          ['6', '6'],
          [one(random, PORTS), '2222'].sort((a, b) => +a - +b) as [string, string],
        ]),
      };
    default:
      return is('protocol', one(random, PROTOCOLS));
  }
}

function action(random: Chance, deeper: readonly string[]): Action {
  const pick = random(deeper.length === 0 ? 8 : 12);
  if (pick < 4) return dnat(`10.1.${random(4)}.${random(4)}`);
  if (pick === 4) return { does: one(random, ['accept', 'return', 'drop'] as const) };
  if (pick === 5) return setMark(random(2), 1);
  if (pick === 6) return { does: 'continue' };
  if (pick === 7) {
    const elements = [0, 1, 2].map(() => ({
      key: [[one(random, PORTS), '443'].sort((a, b) => +a - +b) as [string, string]],
      action: action(random, deeper.slice(0, 0)),
    }));
    const verdicts = elements.filter(({ action: { does } }) =>
      ['accept', 'return', 'drop'].includes(does),
    );
    return { does: 'verdict map', fields: ['dst_port'], elements: verdicts };
  }
  return pick < 10 ? jump(one(random, deeper)) : goTo(one(random, deeper));
}

function rules(random: Chance, most: number, deeper: readonly string[]): Rule[] {
  return Array.from({ length: 1 + random(most) }, () => {
    const terms = Array.from({ length: random(4) }, () => term(random));
    // a map by port needs a protocol that has ports, as nft demands it
    const act = action(random, deeper);
    const first = act.does === 'verdict map' ? [is('protocol', '6')] : [];
    return rule(...first, ...terms, act);
  });
}

export function randomRuleset(random: Chance, most: number): Ruleset {
  const names = ['c0', 'c1', 'c2'];
  const chains: Chain[] = names.map((name, depth) =>
    chain(name, rules(random, most, names.slice(depth + 1))),
  );
  const policy = one(random, ['accept', 'accept', 'drop'] as const);
  return ruleset(
    base('prerouting', rules(random, most, names), { policy }),
    base('prerouting', rules(random, most, names), { priority: 0 }),
    ...chains,
  );
}

export function randomAsked(random: Chance): Asked {
  return asked({
    protocol: Number(one(random, ['6', '6', '17', '1'])),
    src: one(random, ADDRESSES),
    dst: one(random, ADDRESSES),
    dstPort: Number(one(random, PORTS)),
    mark: random(2),
  });
}
