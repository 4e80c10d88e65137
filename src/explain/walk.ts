/**
 * One packet's way through the nat chains of a hook, as nf_nat_inet_fn and
 * nft_do_chain go it (ipt_do_table the same). What cannot be evaluated is
 * followed both ways. Past the end the walk goes on in shadow, to find the
 * rules that would have held.
 */
import type { Action, Chain, Rule, Target } from '../model/ruleset.ts';
import { eitherMark, type Mark, type Seen, setMark } from './asked.ts';
import { type CompiledChain, type CompiledRule, ruleTruth } from './compiled.ts';
import type { Assumed } from './infer.ts';
import { chosenElements, chosenTargets } from './map-choice.ts';
import { type Exits, leave, type Met, type Shadowed } from './met.ts';

/** One chain being walked. */
interface Frame {
  readonly chain: Chain;
  readonly path: readonly Rule[];
  readonly exits: Exits;
  /** Is it certain that the chain is entered, */
  readonly isEntered: boolean;
  /** and that the next rule is reached; in shadow: had the way gone on. */
  isSure: boolean;
  /** Set once it is certain that it is not. */
  shadow: Met | undefined;
}

/** One rule being run: `met` is the rule itself, `by` what ends the way if nothing goes on. */
interface Step {
  readonly frame: Frame;
  readonly compiled: CompiledRule;
  readonly met: Met;
  by: Met;
  decides: boolean;
}

type ChainFinder = (from: Chain, name: string) => CompiledChain | undefined;

/** Deeper than the kernel lets chains jump: such rules go round. */
const DEPTH = 32;
const NOTHING: readonly Target[] = [];

export class Walk {
  readonly met: Met[] = [];
  readonly others: Met[] = [];
  readonly shadowed: Shadowed[] = [];
  mayDrop = false;
  /** Somewhere it is not known what comes: a chain that is not there, a queue. */
  isOpen = false;
  /** Of a packet that a rule may have decided about. */
  decidedMark: Mark | undefined;
  private turn = 0;
  private readonly seen: Seen;
  private readonly chainOf: ChainFinder;
  private readonly assumed: Assumed;

  constructor(seen: Seen, chainOf: ChainFinder, assumed: Assumed) {
    this.seen = seen;
    this.chainOf = chainOf;
    this.assumed = assumed;
  }

  run(
    { chain, rules, candidates }: CompiledChain,
    isSure: boolean,
    shadow: Met | undefined,
    path: readonly Rule[] = [],
  ): Exits {
    const exits: Exits = {
      falls: undefined,
      accepts: undefined,
      ends: false,
      count: 0,
      by: undefined,
    };
    const frame: Frame = { chain, path, exits, isEntered: isSure, isSure, shadow };
    for (const place of candidates(this.seen)) {
      this.runRule(frame, rules[place]!);
    }
    if (frame.shadow === undefined) exits.falls = eitherMark(exits.falls, this.seen.mark);
    else if (shadow === undefined) exits.by = frame.shadow;
    return exits;
  }

  private runRule(frame: Frame, compiled: CompiledRule): void {
    const { rule } = compiled;
    const evaluated = ruleTruth(compiled, this.seen);
    const holds = evaluated === 'maybe' ? (this.assumed.get(rule) ?? evaluated) : evaluated;
    if (holds === 'no') return;
    const { chain, path, isSure, exits, shadow } = frame;
    const { mark } = this.seen;
    const truth = isSure && holds === 'yes' ? 'yes' : 'maybe';
    const met: Met = { chain, rule, path, truth, turn: this.turn++, decides: NOTHING };
    const step: Step = { frame, compiled, met, by: met, decides: false };
    const count = exits.count;
    const goesOn = this.runActions(step);
    if (shadow !== undefined) return;
    if (exits.count > count) frame.isSure = false;
    if (holds === 'maybe') this.seen.mark = goesOn ? eitherMark(mark, this.seen.mark) : mark;
    else if (!goesOn) {
      frame.shadow = step.by;
      frame.isSure = frame.isEntered;
    }
  }

  /** May the next rule come? */
  private runActions(step: Step): boolean {
    const { actions } = step.compiled.rule;
    let goesOn = true;
    for (let place = 0; goesOn && place < actions.length; place++) {
      const action = actions[place]!;
      goesOn =
        action.does === 'verdict map'
          ? this.runMap(step, action, place)
          : this.runAction(step, action, place, step.met.truth === 'yes');
    }
    if (step.frame.shadow === undefined && !step.decides) this.others.push(step.met);
    return goesOn;
  }

  private runAction(step: Step, action: Action, place: number, isSure: boolean): boolean {
    const { exits, shadow } = step.frame;
    switch (action.does) {
      case 'nat':
      case 'nat map':
        return this.decide(step, action, place);
      case 'jump':
      case 'goto':
        return this.enter(step, action, isSure);
      case 'mark':
        this.seen.mark = setMark(this.seen.mark, action.mask, action.value);
        return true;
      case 'mark unknown':
        this.seen.forgetMark(action.field);
        return true;
      case 'accept':
      case 'return':
        if (shadow !== undefined) return true;
        leave(exits, action.does === 'accept' ? 'accepts' : 'falls', this.seen.mark);
        return false;
      case 'drop':
      case 'queue':
        if (shadow !== undefined) return true;
        if (action.does === 'drop') this.mayDrop = true;
        else this.isOpen = true;
        leave(exits, 'ends');
        return false;
      default:
        return true;
    }
  }

  private decide(step: Step, action: Action, place: number): boolean {
    const { frame, compiled, met } = step;
    const { targets, isSure } = chosenTargets(compiled, action, place, this.seen);
    if (targets.length === 0) return true;
    step.decides = true;
    const truth = isSure ? met.truth : 'maybe';
    const deciding: Met = { ...met, truth, decides: targets };
    if (frame.shadow !== undefined) {
      this.shadowed.push({ ...deciding, by: frame.shadow });
      return true;
    }
    this.met.push(deciding);
    this.decidedMark = eitherMark(this.decidedMark, this.seen.mark);
    leave(frame.exits, 'ends');
    return !isSure;
  }

  private enter(step: Step, action: Action & { chain: string }, isSure: boolean): boolean {
    const { frame, compiled, met } = step;
    const to = this.chainOf(frame.chain, action.chain);
    if (to === undefined || frame.path.length >= DEPTH) {
      this.isOpen = true;
      return true;
    }
    const left = this.run(to, isSure, frame.shadow, [...frame.path, compiled.rule]);
    if (frame.shadow !== undefined) return true;
    if (left.ends) leave(frame.exits, 'ends');
    if (left.accepts !== undefined) leave(frame.exits, 'accepts', left.accepts);
    if (left.falls === undefined) step.by = left.by ?? met;
    else if (action.does === 'goto') leave(frame.exits, 'falls', left.falls);
    else this.seen.mark = left.falls;
    return left.falls !== undefined && action.does === 'jump';
  }

  /** Each element that may be the one, from where the map was come to. */
  private runMap(step: Step, action: Action, place: number): boolean {
    const { actions, isSure } = chosenElements(step.compiled, action, place, this.seen);
    const { mark } = this.seen;
    const isOnly = step.met.truth === 'yes' && isSure && actions.length === 1;
    let after = isSure ? undefined : mark;
    for (const chosen of actions) {
      this.seen.mark = mark;
      if (this.runAction(step, chosen, place, isOnly)) after = eitherMark(after, this.seen.mark);
    }
    if (after !== undefined) this.seen.mark = after;
    return after !== undefined;
  }
}
