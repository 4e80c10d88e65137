/** Causes in words, and the one sentence that answers for a rule. */
import type { CauseFinding, RuleFinding } from './rule-findings.ts';

type Verb = 'are' | 'belong' | 'were';

const CLAUSE: Readonly<Record<CauseFinding['cause'], readonly [verb: Verb | '', rest: string]>> = {
  'flow already mapped': ['belong', 'to a flow already mapped: decided once, at its first packet'],
  'reply direction': [
    'are',
    'in reply direction: reversed from the stored mapping, never evaluated',
  ],
  'flow older than the rule': [
    'belong',
    'to a flow older than the rule: decided before, the rule never sees it',
  ],
  'earlier rule decided first': ['were', 'decided first by an earlier rule'],
  'earlier chain or priority decided first': [
    'were',
    'decided first by an earlier chain or priority',
  ],
  'other rules backend decided first': ['were', 'decided first by the other rules backend'],
  "hook not on this packet's way": ['were', "not led to the rule's hook"],
  untracked: ['are', 'untracked: without an entry there is no NAT'],
  invalid: ['are', 'invalid: conntrack gave no entry, so there is no NAT'],
  'not seen by conntrack': ['were', 'not seen by conntrack, so there is no NAT'],
  'dropped before the nat hook': ['were', 'dropped before the nat hook'],
  'confirmed nowhere': ['were', 'counted by the rule, but no mapping lives'],
  'other conntrack zone': ['are', 'of another conntrack zone'],
  unknown: ['are', 'unknown: records that would tell were lost'],
  'not explained': ['are', 'not explained'],
  'other network namespace': ['', 'would match, but only in another network namespace'],
  'bypassed by a flowtable': ['', 'bypassed by a flowtable'],
  'counter reset or rules reloaded': ['', 'counter reset or rules reloaded'],
  'no such traffic seen': ['', 'no such traffic seen'],
};
const SINGULAR: Readonly<Record<Verb, string>> = { are: 'is', belong: 'belongs', were: 'was' };

export function clauseOf({ cause, detail, packets }: CauseFinding): string {
  if (cause === 'unknown' && packets === null) return `unknown: ${detail}`;
  const [verb, rest] = CLAUSE[cause];
  const more = detail === '' ? '' : ` (${detail})`;
  if (verb === '') return `${rest}${more}`;
  return `${packets === 1 ? SINGULAR[verb] : verb} ${rest}${more}`;
}

/** Why the counter moved or did not, in one sentence with the numbers. */
export function answerOf(rule: RuleFinding): string {
  const { counter, decided, couldMatch } = rule;
  const moved = movedText(rule);
  if (decided.packets > 0) {
    const what = rule.isNat
      ? `${plural(decided.flows, 'flow')} decided`
      : `${decided.packets} matched`;
    return `${moved}${what}, ${plural(couldMatch, 'packet')} could have matched`;
  }
  if (couldMatch > 0) return `${moved}${onlyCause(rule) ?? manyCauses(rule)}`;
  const note = rule.notes.at(-1);
  if (note === undefined) return `${moved}no packet was held against it`;
  const lead = counter !== null && counter.delta > 0 ? 'yet ' : '';
  return `${moved}${lead}${clauseOf(note)}`;
}

function movedText({ counter, removedAt }: RuleFinding): string {
  if (removedAt !== null) return 'removed during the trace: ';
  if (counter === null) return '';
  if (counter.delta === 0) return 'counter did not move: ';
  return counter.delta > 0 ? `counter moved by ${counter.delta}: ` : 'counter went back: ';
}

function onlyCause({ causes, couldMatch }: RuleFinding): string | undefined {
  const [cause, ...more] = causes;
  if (cause === undefined || more.length > 0) return undefined;
  const all = couldMatch === 1 ? 'the one packet' : `all ${couldMatch} packets`;
  return `${all} that could have matched ${clauseOf(cause)}`;
}

function manyCauses({ causes, couldMatch }: RuleFinding): string {
  const most = [...causes].sort((a, b) => (b.packets ?? 0) - (a.packets ?? 0))[0]!;
  const none = `none of ${couldMatch} packets that could have matched was decided by it`;
  const [who = ''] = most.detail.split(': ');
  return `${none}; ${most.packets} ${clauseOf({ ...most, detail: who })}`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
