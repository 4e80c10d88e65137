/**
 * What the decision tells about rules that cannot be evaluated: where a mark is
 * not known, `-m mark --mark 0x4000 -j RETURN` may hold or not, but if a rule
 * behind it decided, it did not. An assumption is dropped when what the kernel
 * decided cannot come out under it.
 */
import type { Rule } from '../model/ruleset.ts';
import type { Met, Outcome } from './evaluate.ts';

/** Whether rules hold of which the evaluation alone cannot say it. */
export type Assumed = ReadonlyMap<Rule, 'yes' | 'no'>;

export interface Again {
  /** The same packet, asked again. */
  evaluate(assumed: Assumed): Outcome;
  /** Is it worth the while: does somebody ask about this rule? */
  counts(rule: Rule): boolean;
}

/** Each costs two evaluations in each round. */
const MAX_DOUBTS = 8;
const MAX_ROUNDS = 3;

/** Null: the kernel decided on a null mapping. */
type Decider = Met | null;

export class Inference {
  private readonly known = new WeakMap<Outcome, Map<Rule | null, Outcome>>();

  /** The outcome, with what follows from the decision. */
  given(outcome: Outcome, decider: Decider, again: Again): Outcome {
    const known = this.known.get(outcome) ?? new Map<Rule | null, Outcome>();
    this.known.set(outcome, known);
    const rule = decider?.rule ?? null;
    const found = known.get(rule) ?? infer(outcome, decider, again);
    known.set(rule, found);
    return found;
  }
}

function infer(outcome: Outcome, decider: Decider, { evaluate, counts }: Again): Outcome {
  if (outcome.isOpen || doubtsOf(outcome, counts).length === 0) return outcome;
  const assumed = new Map<Rule, 'yes' | 'no'>();
  for (const rule of decider === null ? [] : certainlyPassed(outcome, decider)) {
    assumed.set(rule, 'yes');
  }
  let best = evaluate(assumed);
  if (!allows(best, decider)) return outcome;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = assumed.size;
    for (const doubt of doubtsOf(best, counts).filter((rule) => !assumed.has(rule))) {
      const [holds, fails] = (['yes', 'no'] as const).map((truth) =>
        allows(evaluate(new Map(assumed).set(doubt, truth)), decider),
      );
      if (holds !== fails) assumed.set(doubt, holds ? 'yes' : 'no');
    }
    if (assumed.size === before) break;
    best = evaluate(assumed);
  }
  return best;
}

/**
 * Rules that decide no mapping, and may have been passed or not. One that may be
 * come to twice is left in doubt: it may hold the one time and not the other.
 */
function doubtsOf({ others }: Outcome, counts: Again['counts']): Rule[] {
  const met = new Set<Rule>();
  const twice = new Set<Rule>();
  for (const { rule } of others) (met.has(rule) ? twice : met).add(rule);
  const rules = others.flatMap(({ truth, rule }) =>
    truth === 'maybe' && !twice.has(rule) && counts(rule) ? [rule] : [],
  );
  return rules.slice(0, MAX_DOUBTS);
}

/** The decider, and the jumps that are on every way to it. */
function certainlyPassed({ met }: Outcome, { rule }: Met): Rule[] {
  const [first = [], ...more] = met.filter((one) => one.rule === rule).map(({ path }) => path);
  return [...first.filter((jump) => more.every((path) => path.includes(jump))), rule];
}

function allows({ decisions }: Outcome, decider: Decider): boolean {
  return decisions.some(({ rule }) => rule === (decider?.rule ?? null));
}
