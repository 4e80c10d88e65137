/**
 * Entries whose stored mapping is not what the loaded rules would decide now:
 * every later packet follows the entry, so the rules' change does not reach
 * such a flow until its entry is gone.
 */
import { type HookName, hasPorts } from '../model/codes.ts';
import type { Entry } from '../model/entry.ts';
import type { Manip } from '../model/ruleset.ts';
import { type Stored, storedMapping } from '../table/mapping.ts';
import type { Asked } from './asked.ts';
import { manipAt } from './at-hook.ts';
import type { Decision, Evaluator, Outcome } from './evaluate.ts';
import { type Addresses, fits } from './stored.ts';

export type StaleKind =
  | 'target gone' // mapped to what no rule gives now
  | 'rule added' // not mapped, and a rule would map it now
  | 'rule removed'; // mapped, and no rule would map it now

export interface Stale {
  readonly entry: Entry;
  readonly kind: StaleKind;
  readonly manip: Manip;
  readonly stored: Stored;
  /** What the rules may decide now, in the order of evaluation. */
  readonly now: readonly Decision[];
  /** Where they would; several: it is not known by which hook the flow came. */
  readonly hooks: readonly HookName[];
}

export interface StaleReport {
  readonly stale: readonly Stale[];
  /** Entries looked at. */
  readonly entries: number;
  /** Of those, left out: expected ones follow the flow that expected them (nf_nat_follow_master). */
  readonly expected: number;
}

export interface Ways {
  readonly in?: string;
  readonly out?: string;
}

/** What surrounds the entries; `waysOf` is asked only where interfaces may matter. */
export interface Surroundings extends Addresses {
  waysOf?(entry: Entry): Ways;
}

export function findStale(
  entries: Iterable<Entry>,
  evaluator: Evaluator,
  around: Surroundings,
): StaleReport {
  const isLocal = (address: string): boolean | undefined => around.isLocal(address);
  const stale: Stale[] = [];
  let count = 0;
  let expected = 0;
  for (const entry of entries) {
    count++;
    if (entry.isExpected) {
      expected++;
      continue;
    }
    const isFromHere = isLocal(entry.original.src);
    const found = judge({ entry, evaluator, around, isLocal, isFromHere });
    if (found !== undefined) stale.push(found);
  }
  return { stale, entries: count, expected };
}

/** One entry before its rules: what the two questions about it share. */
interface Case {
  readonly entry: Entry;
  readonly evaluator: Evaluator;
  readonly around: Surroundings;
  readonly isLocal: (address: string) => boolean | undefined;
  /** Undefined: not known. */
  readonly isFromHere: boolean | undefined;
}

interface Judged {
  readonly stale?: Stale;
  /** Of the only hook that was asked. */
  readonly outcome?: Outcome;
}

/** The first manip whose mapping does not fit: what follows hangs on it. */
function judge(one: Case): Stale | undefined {
  const { entry, around, isFromHere } = one;
  const dst = judgeManip(one, hooksOf(isFromHere, 'output', 'prerouting'));
  if (dst.stale !== undefined) return dst.stale;
  // over loopback a packet passes postrouting before input: that one has decided by then
  const isToHere = isFromHere === true ? false : around.isLocal(entry.reply.src);
  return judgeManip(one, hooksOf(isToHere, 'input', 'postrouting'), dst.outcome).stale;
}

function hooksOf(isLocal: boolean | undefined, local: HookName, other: HookName): HookName[] {
  if (isLocal === undefined) return [local, other];
  return [isLocal ? local : other];
}

function judgeManip(one: Case, hooks: readonly HookName[], before?: Outcome): Judged {
  const { entry, evaluator, around } = one;
  const stored = storedMapping(entry, manipAt(hooks[0]!));
  const ask = (ways: Ways) => hooks.map((hook) => evaluator.ask(askedOf(one, hook, ways, before)));
  let ways: Ways = entry;
  let outcomes = ask(ways);
  if (around.waysOf !== undefined && outcomes.some(mayHangOnWays)) {
    ways = { ...around.waysOf(entry), ...waysIn(entry) };
    outcomes = ask(ways);
  }
  const judged: Judged = outcomes.length === 1 ? { outcome: outcomes[0]! } : {};
  const each = outcomes.map((outcome) => decisionsOf(outcome, entry));
  if (each.some((decisions) => decisions.length === 0)) return judged;
  const now = each.flat();
  const isFit = ({ rule, targets }: Decision): boolean =>
    fits(stored, rule === null ? null : targets, ways.out, around);
  if (now.some(isFit)) return judged;
  if (!stored.isMapped && outcomes.some(({ mayDrop }) => mayDrop)) return judged;
  return {
    ...judged,
    stale: { entry, kind: kindOf(stored, now), ...{ manip: stored.manip, stored, now, hooks } },
  };
}

function kindOf({ isMapped }: Stored, now: readonly Decision[]): StaleKind {
  if (!isMapped) return 'rule added';
  return now.some(({ rule }) => rule !== null) ? 'target gone' : 'rule removed';
}

function waysIn({ in: from, out: to }: Entry): Ways {
  return { ...(from === undefined ? {} : { in: from }), ...(to === undefined ? {} : { out: to }) };
}

function mayHangOnWays({ decisions }: Outcome): boolean {
  const isMasquerade = decisions.some(({ targets }) =>
    targets.some(({ kind }) => kind === 'masquerade'),
  );
  return decisions.length > 1 || isMasquerade;
}

/**
 * None: nothing can be said. Where no nat chain is, a mapping in another zone
 * than 0 may be that of tc or Open vSwitch, which use zones of their own.
 */
function decisionsOf(outcome: Outcome, { zones }: Entry): readonly Decision[] {
  if (outcome.isOpen) return [];
  if (outcome.chains > 0) return outcome.decisions;
  const isPlain = zones[0] === 0 && zones[1] === 0;
  return isPlain ? [{ rule: null, chain: null, targets: [] }] : [];
}

/** The flow's first packet; its mark is known as far as the rules at the hook before set it. */
function askedOf(one: Case, hook: HookName, ways: Ways, before: Outcome | undefined): Asked {
  const { entry, isFromHere } = one;
  const { original, reply, family, protocol } = entry;
  const isAfter = manipAt(hook) === 'src';
  const isMapped = original.dst !== reply.src;
  const from = isFromHere === true ? '' : ways.in;
  // a packet of our own is routed again once its destination has changed
  const to = hook === 'output' && isMapped ? undefined : ways.out;
  // assigned, not spread: this is done for every entry of a table
  const asked: { -readonly [Key in keyof Asked]: Asked[Key] } = {
    hook,
    family,
    protocol,
    src: original.src,
    dst: isAfter ? reply.src : original.dst,
    srcPort: original.srcPort,
    dstPort: isAfter && hasPorts(protocol) ? reply.srcPort : original.dstPort,
    state: 'new',
    isLocal: one.isLocal,
  };
  if (from !== undefined) asked.in = from;
  if (to !== undefined) asked.out = to;
  if (before !== undefined) {
    asked.mark = before.mark;
    asked.markMask = before.markMask;
  }
  return asked;
}
