/**
 * Why no nat chain ran for one packet at one hook. The kernel asks the chains
 * of a hook only about a flow that has no decision yet for the end which that
 * hook rewrites: the destination at prerouting and output, the source at input
 * and postrouting.
 */
import type { HookName } from '../model/codes.ts';
import { manipAt } from './at-hook.ts';
import type { Skip } from './counts.ts';
import type { FlowFact } from './flow-facts.ts';
import type { Way } from './way.ts';

/** What the packet's own row tells; undefined: its flow must tell the rest. */
export function skipOf(way: Way, hook: HookName, hasFlow: boolean): Skip | undefined {
  const { state } = way;
  if (state === 'untracked' || state === 'invalid') return state;
  if (state === 'none') return way.isComplete ? 'not seen by conntrack' : 'unknown';
  if (hook === 'forward') return 'no nat chain here';
  if (way.direction === 'reply') return 'reply direction';
  if (!hasFlow) return 'unknown';
  switch (manipAt(hook) === 'src' ? way.srcNat : way.dstNat) {
    case 'rule': // at an earlier hook, or with the flow that expected this one
      return 'flow already mapped';
    case 'null mapping':
      return wasDecidedBefore(way, hook) ? 'flow already mapped' : 'no nat chain here';
    case 'unknown':
      return 'unknown';
    default:
      return undefined;
  }
}

/** Over loopback a packet passes both hooks of each end: the first of them decides. */
function wasDecidedBefore({ hooks }: Way, hook: HookName): boolean {
  if (hook === 'prerouting') return hooks.has('output');
  return hook === 'input' && hooks.has('postrouting');
}

/** Was the packet dropped at this hook, without a decision? */
export function isDroppedAt({ verdict, lastHook }: Way, hook: HookName): boolean {
  return verdict === 'drop' && lastHook === hook;
}

/** For a packet in original direction about which nothing was decided at the hook. */
export function skipByFlow(flow: FlowFact | undefined, hook: HookName, isDropped: boolean): Skip {
  if (flow === undefined) return 'unknown';
  if (flow.isOlder) return 'flow older than the trace';
  // dropped before it was confirmed, an entry is gone: every such packet is a first one
  const wasFirst = ['none', 'refused', 'merged'].includes(flow.confirm);
  if (wasFirst && isDropped) return 'dropped before the nat chains';
  const mapping = flow.nat[manipAt(hook)];
  if (!flow.isComplete || mapping === 'unknown') return 'unknown';
  return wasFirst || mapping === 'none' ? 'no nat chain here' : 'flow already mapped';
}
