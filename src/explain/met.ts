/** What a walk through the chains of a hook comes across. */
import type { Chain, Rule, Target } from '../model/ruleset.ts';
import { eitherMark, type Mark } from './asked.ts';

/** A rule that is reached and whose terms hold, or may. */
export interface Met {
  readonly chain: Chain;
  readonly rule: Rule;
  /** Rules that jumped here, the outermost first. */
  readonly path: readonly Rule[];
  /** maybe: it is not certain that it is reached, or that it holds. */
  readonly truth: 'yes' | 'maybe';
  /** In the order in which rules are reached. */
  readonly turn: number;
  /** What it may map to; none: no NAT rule, or one whose map has no such key. */
  readonly decides: readonly Target[];
}

/** A NAT rule that is not reached, but would hold; `by` ends the way before it. */
export interface Shadowed extends Met {
  readonly by: Met;
}

/** How a chain that is entered may be left; with the mark, where evaluation goes on. */
export interface Exits {
  /** By its end or a return: back to where it was jumped from; for a base chain its policy. */
  falls: Mark | undefined;
  accepts: Mark | undefined;
  /** Decided, dropped or queued. */
  ends: boolean;
  /** Ways out met so far, the end of the chain not counted. */
  count: number;
  /** The rule that certainly ended the way through it, if one did. */
  by: Met | undefined;
}

/** Notes a way out; with the mark that it is left with, where evaluation goes on. */
export function leave(exits: Exits, way: 'falls' | 'accepts' | 'ends', mark?: Mark): void {
  exits.count++;
  if (way === 'ends') exits.ends = true;
  else if (mark !== undefined) exits[way] = eitherMark(exits[way], mark);
}
