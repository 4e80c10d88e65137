/** A packet's way and what was decided on it, in one word: equal for most packets of a flow. */
import type { BatchView } from '../columns/batch-view.ts';
import { DECISIONS, DIRECTIONS, HOOKS, type HookName, STATES, VERDICTS } from '../model/codes.ts';

export interface Way {
  /** Hooks entered, in the order of HOOKS. */
  readonly hooks: ReadonlySet<HookName>;
  /** Hooks at which a nat chain ran for it. */
  readonly chains: ReadonlySet<HookName>;
  /** Null: it had no entry. */
  readonly direction: (typeof DIRECTIONS)[number] | null;
  readonly state: (typeof STATES)[number];
  readonly verdict: (typeof VERDICTS)[number];
  readonly lastHook: HookName;
  readonly isComplete: boolean;
  readonly srcNat: (typeof DECISIONS)[number];
  readonly dstNat: (typeof DECISIONS)[number];
}

const CHAINS = 5;
const DIRECTION = 10;
const NO_DIRECTION = 2;
const STATE = 12;
const VERDICT = 15;
const LAST = 18;
const COMPLETE = 21;
const SRC = 22;
const DST = 25;

/** Reads one batch of packets into words. */
export function wayWords(view: BatchView): (row: number) => number {
  const at = HOOKS.map((hook) => `${hook}_at`);
  const chains = HOOKS.map((hook) => `${hook}_chains`);
  const [direction, state, verdict] = ['direction', 'state', 'verdict'].map((n) => view.numbers(n));
  const [last, src, dst] = ['last_hook', 'src_nat', 'dst_nat'].map((n) => view.numbers(n));
  return (row) => {
    let word = 0;
    for (let hook = 0; hook < at.length; hook++) {
      if (view.isNull(at[hook]!, row)) continue;
      word |= 1 << hook;
      const ran = !view.isNull(chains[hook]!, row) && view.isTrue(chains[hook]!, row);
      if (ran) word |= 1 << (CHAINS + hook);
    }
    word |= (view.isNull('direction', row) ? NO_DIRECTION : direction![row]!) << DIRECTION;
    word |= (state![row]! << STATE) | (verdict![row]! << VERDICT) | (last![row]! << LAST);
    word |= (src![row]! << SRC) | (dst![row]! << DST);
    return view.isTrue('complete', row) ? word | (1 << COMPLETE) : word;
  };
}

export function wayOf(word: number): Way {
  const three = (shift: number): number => (word >>> shift) & 7;
  return {
    hooks: new Set(HOOKS.filter((_, hook) => (word >>> hook) & 1)),
    chains: new Set(HOOKS.filter((_, hook) => (word >>> (CHAINS + hook)) & 1)),
    direction: DIRECTIONS[(word >>> DIRECTION) & 3] ?? null,
    state: STATES[three(STATE)]!,
    verdict: VERDICTS[three(VERDICT)]!,
    lastHook: HOOKS[three(LAST)]!,
    isComplete: ((word >>> COMPLETE) & 1) === 1,
    srcNat: DECISIONS[three(SRC)]!,
    dstNat: DECISIONS[three(DST)]!,
  };
}
