/** What the loaded nat chains would decide about a packet. */
import type { HookName } from '../model/codes.ts';
import type { Chain, Rule, Ruleset, Target } from '../model/ruleset.ts';
import { Alike } from './alike.ts';
import { type Asked, eitherMark, Seen } from './asked.ts';
import { type CompiledChain, chainKey, compileChain, isAskedAt, reachedFrom } from './compiled.ts';
import type { Assumed } from './infer.ts';
import type { Exits, Met, Shadowed } from './met.ts';
import { Walk } from './walk.ts';

export type { Asked, Truth } from './asked.ts';
export type { Met, Shadowed } from './met.ts';

/** Rule null: a null mapping. */
export interface Decision {
  readonly rule: Rule | null;
  readonly chain: Chain | null;
  readonly targets: readonly Target[];
}

export interface Outcome {
  /** Base chains of type nat that the packet comes to; none: nothing is decided here. */
  readonly chains: number;
  /** NAT rules in the order of evaluation, up to the first that certainly decides. */
  readonly met: readonly Met[];
  /** Rules reached that hold and decide nothing: jumps, returns, counters. */
  readonly others: readonly Met[];
  /** NAT rules past the end that would have held. */
  readonly shadowed: readonly Shadowed[];
  /** What may come out; a single one is certain, unless `mayDrop` or `isOpen`. */
  readonly decisions: readonly Decision[];
  readonly mayDrop: boolean;
  /** Something was met of which nothing is known: a chain not read, a queue. */
  readonly isOpen: boolean;
  /** The packet's mark after the hook, and which of its bits are known. */
  readonly mark: number;
  readonly markMask: number;
}

/** So many outcomes are kept for packets that are alike. */
const MAX_OUTCOMES = 32_768;
const NOTHING_ASSUMED: Assumed = new Map();

/** The base chains that packets of one family come to at a hook. */
interface Asking {
  readonly chains: readonly CompiledChain[];
  readonly alike: Alike;
  readonly outcomes: Map<string, Outcome>;
}

export class Evaluator {
  private readonly all: readonly CompiledChain[];
  private readonly chains = new Map<string, CompiledChain>();
  private readonly hooks = { 4: new Map<HookName, Asking>(), 6: new Map<HookName, Asking>() };

  /** `indexFrom`: chains of fewer rules are walked rule by rule. */
  constructor(ruleset: Ruleset, indexFrom?: number) {
    this.all = ruleset.chains.map((chain) => compileChain(chain, indexFrom));
    for (const compiled of this.all) this.chains.set(chainKey(compiled.chain), compiled);
  }

  ask(asked: Asked): Outcome {
    const { chains, alike, outcomes } = this.askingAt(asked);
    const key = alike.keyOf(asked);
    const known = outcomes.get(key);
    if (known !== undefined) return known;
    const outcome = this.evaluate(asked, chains);
    if (outcomes.size >= MAX_OUTCOMES) outcomes.clear();
    outcomes.set(key, outcome);
    return outcome;
  }

  /** As ask(), knowing of some rules that cannot be evaluated whether they hold. */
  assume(asked: Asked, assumed: Assumed): Outcome {
    return this.evaluate(asked, this.askingAt(asked).chains, assumed);
  }

  private evaluate(
    asked: Asked,
    chains: readonly CompiledChain[],
    assumed: Assumed = NOTHING_ASSUMED,
  ): Outcome {
    const seen = new Seen(asked);
    const chainOf = (from: Chain, name: string) => this.chains.get(chainKey(from, name));
    const walk = new Walk(seen, chainOf, assumed);
    const isNull = runAll(chains, walk, seen) && chains.length > 0;
    const mark = isNull ? eitherMark(walk.decidedMark, seen.mark) : (walk.decidedMark ?? seen.mark);
    const { met, others, shadowed, mayDrop, isOpen } = walk;
    const decisions: Decision[] = met.map(({ rule, chain, decides }) => {
      return { rule, chain, targets: decides };
    });
    if (isNull) decisions.push({ rule: null, chain: null, targets: [] });
    const { value, known } = mark;
    const count = chains.length;
    const found = { met, others, shadowed, decisions, mayDrop, isOpen };
    return Object.assign(found, { chains: count, mark: value, markMask: known });
  }

  private askingAt({ hook, family }: Asked): Asking {
    const known = this.hooks[family].get(hook);
    if (known !== undefined) return known;
    const chains = this.all.filter(({ chain }) => isAskedAt(chain, hook, family));
    const reached = reachedFrom(chains, (from, name) => this.chains.get(chainKey(from, name)));
    const alike = new Alike(reached.flatMap(({ chain }) => chain.rules));
    const asking = { chains, alike, outcomes: new Map() };
    this.hooks[family].set(hook, asking);
    return asking;
  }
}

/** One base chain after the other until one has decided; true: perhaps none has. */
function runAll(chains: readonly CompiledChain[], walk: Walk, seen: Seen): boolean {
  let isSure = true;
  let shadow: Met | undefined;
  for (const chain of chains) {
    const exits = walk.run(chain, isSure || shadow !== undefined, shadow);
    if (shadow !== undefined) continue;
    const after = markAfter(chain, exits);
    if (exits.falls !== undefined && after.drops) walk.mayDrop = true;
    if (exits.ends || (exits.falls !== undefined && after.drops)) isSure = false;
    if (after.mark !== undefined) seen.mark = after.mark;
    else if (exits.by === undefined) return false;
    else shadow = exits.by;
  }
  return shadow === undefined;
}

/** Of a packet that goes on past a base chain: its policy speaks where no rule did. */
function markAfter({ chain }: CompiledChain, { falls, accepts }: Exits) {
  const drops = chain.base?.policy === 'drop';
  const mark = drops || falls === undefined ? accepts : eitherMark(accepts, falls);
  return { mark, drops };
}
