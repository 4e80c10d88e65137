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
  for (const rule of decider === null ? [] : [...decider.path, decider.rule]) {
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

/** Rules that decide no mapping, and may have been passed or not. */
function doubtsOf({ others }: Outcome, counts: Again['counts']): Rule[] {
  const rules = others.flatMap(({ truth, rule }) =>
    truth === 'maybe' && counts(rule) ? [rule] : [],
  );
  return [...new Set(rules)].slice(0, MAX_DOUBTS);
}

function allows({ decisions }: Outcome, decider: Decider): boolean {
  return decisions.some(({ rule }) => rule === (decider?.rule ?? null));
}
