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
/** So many are kept at once. */
const MAX_WAYS = 4096;

/** Reads one batch of packets into words. */
export function wayWords(view: BatchView): (row: number) => number {
  const visited = HOOKS.map((hook) => view.given(`${hook}_at`));
  const known = HOOKS.map((hook) => view.given(`${hook}_chains`));
  const ran = HOOKS.map((hook) => view.truths(`${hook}_chains`));
  const [direction, state, verdict] = ['direction', 'state', 'verdict'].map((n) => view.numbers(n));
  const [last, src, dst] = ['last_hook', 'src_nat', 'dst_nat'].map((n) => view.numbers(n));
  const hasDirection = view.given('direction');
  const complete = view.truths('complete');
  return (row) => {
    let word = 0;
    for (let hook = 0; hook < visited.length; hook++) {
      if (!visited[hook]!.at(row)) continue;
      word |= 1 << hook;
      if (known[hook]!.at(row) && ran[hook]!.at(row)) word |= 1 << (CHAINS + hook);
    }
    word |= (hasDirection.at(row) ? direction![row]! : NO_DIRECTION) << DIRECTION;
    word |= (state![row]! << STATE) | (verdict![row]! << VERDICT) | (last![row]! << LAST);
    word |= (src![row]! << SRC) | (dst![row]! << DST);
    return complete.at(row) ? word | (1 << COMPLETE) : word;
  };
}

const ways = new Map<number, Way>();

/** Few words are in use, each by many classes: their ways are made once. */
export function wayOf(word: number): Way {
  const known = ways.get(word);
  if (known !== undefined) return known;
  const way = readWay(word);
  if (ways.size >= MAX_WAYS) ways.clear();
  ways.set(word, way);
  return way;
}

function readWay(word: number): Way {
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
