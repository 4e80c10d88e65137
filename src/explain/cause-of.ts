/**
 * Why a rule did not decide about a packet that could have matched it. First
 * what the packet and its flow say of a hook, whatever the rule; then what
 * that means for one rule.
 */
import type { HookName } from '../model/codes.ts';
import { Status } from '../model/codes.ts';
import { manipAt, wasDroppedBefore } from './at-hook.ts';
import type { FlowFact } from './flow-facts.ts';
import type { RuleCause } from './rule-account.ts';
import type { RuleRow } from './rule-rows.ts';
import type { Way } from './way.ts';

/** What became of a packet at one hook. `ran`: nat chains did, and this came of it. */
export type AtHook =
  | { readonly ran: 'rule'; readonly by: RuleRow | null }
  | { readonly ran: 'null mapping' | 'nothing' }
  | { readonly ran: null; readonly cause: RuleCause; readonly detail: string };

const skipped = (cause: RuleCause, detail = ''): AtHook => ({ ran: null, cause, detail });

export interface Passed {
  readonly way: Way;
  /** Undefined: the packet had no entry. */
  readonly flow: FlowFact | undefined;
  /** `NETFILTER_DROP in nf_hook_slow`, or empty. */
  readonly drop: string;
}

export function atHook(
  passed: Passed,
  hook: HookName,
  ruleOf: (number: number) => RuleRow | undefined,
): AtHook {
  const { way, flow } = passed;
  if (way.hooks.has(hook)) {
    if (way.chains.has(hook) && flow !== undefined) return decidedAt(flow, hook, ruleOf);
    return skippedAt(passed, hook);
  }
  if (!way.isComplete) return skipped('unknown');
  if (!wasDroppedBefore(way, hook)) return skipped("hook not on this packet's way", routeOf(way));
  const cause = skippedAt(passed, hook);
  return isCertain(cause) ? cause : droppedAt(passed);
}

function decidedAt(
  flow: FlowFact,
  hook: HookName,
  ruleOf: (number: number) => RuleRow | undefined,
): AtHook {
  const manip = manipAt(hook);
  const number = flow.rule[manip];
  const by = number === null ? null : (ruleOf(number) ?? null);
  if (by !== null) return { ran: 'rule', by };
  if (!flow.isComplete) return skipped('unknown');
  switch (flow.nat[manip]) {
    case 'rule':
      return isExpected(flow) ? skipped('flow already mapped', EXPECTED) : { ran: 'rule', by };
    case 'null mapping':
      return { ran: 'null mapping' };
    case 'none':
      return { ran: 'nothing' };
    default:
      return skipped('unknown');
  }
}

const EXPECTED = 'with the flow that expected it';

function isExpected({ status }: FlowFact): boolean {
  return (status & Status.expected) !== 0;
}

/** The chains of the hook were not asked about this packet. */
function skippedAt(passed: Passed, hook: HookName): AtHook {
  const { way, flow } = passed;
  if (way.state === 'untracked' || way.state === 'invalid') return skipped(way.state);
  if (way.state === 'none') return withoutConntrack(passed, hook);
  if (!way.isComplete || flow?.isComplete === false) return skipped('unknown');
  if (way.direction === 'reply') return skipped('reply direction');
  if (flow === undefined)
    return skipped(way.direction === null ? 'unknown' : 'flow already mapped');
  const manip = manipAt(hook);
  const mapping = flow.nat[manip];
  if (mapping === 'unknown' || way[`${manip}Nat`] === 'unknown') return skipped('unknown');
  if (flow.isOlder || mapping === 'older') return skipped('flow older than the rule');
  if (mapping === 'none') {
    const isEnd = way.verdict === 'drop' && way.lastHook === hook;
    return isEnd ? droppedAt(passed) : skipped('not explained', 'no nat chain ran');
  }
  return mappedBefore(passed, hook, mapping);
}

/** Decided, but not by chains of this hook in this packet. */
function mappedBefore({ way, flow }: Passed, hook: HookName, mapping: string): AtHook {
  const decision = way[`${manipAt(hook)}Nat`];
  const isBack = way.hooks.has('output') && (hook === 'prerouting' || hook === 'input');
  if (mapping === 'null mapping' && decision === 'null mapping' && !isBack) {
    return skipped('not explained', 'no nat chain ran');
  }
  const isHelped = mapping === 'rule' && flow !== undefined && isExpected(flow);
  if (!isHelped && madeFlow(way) && decision === 'none') {
    return skipped('not explained', 'the packet that answers it decided');
  }
  return skipped('flow already mapped', isHelped ? EXPECTED : '');
}

/** It was the first of its flow: nothing was mapped before. Refused, its answer may decide the rest. */
function madeFlow({ srcNat, dstNat }: Way): boolean {
  return [srcNat, dstNat].some((by) => by === 'rule' || by === 'null mapping');
}

function withoutConntrack(passed: Passed, hook: HookName): AtHook {
  const { way } = passed;
  if (!way.isComplete) return skipped('unknown');
  const isEnd = way.verdict === 'drop' && (way.lastHook === hook || wasDroppedBefore(way, hook));
  return isEnd ? droppedAt(passed) : skipped('not seen by conntrack');
}

function droppedAt({ way, drop }: Passed): AtHook {
  return skipped('dropped before the nat hook', `at ${way.lastHook}: ${drop}`);
}

/** Would hold too if the packet had not been dropped before it came to the hook. */
function isCertain(found: AtHook): boolean {
  if (found.ran !== null) return false;
  return !['not explained', 'not seen by conntrack'].includes(found.cause);
}

function routeOf({ hooks }: Way): string {
  if (hooks.has('output')) return 'sent from here';
  if (hooks.has('forward')) return 'forwarded';
  return hooks.has('input') ? 'delivered here' : '';
}
