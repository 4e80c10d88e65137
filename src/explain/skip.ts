/**
 * Why no nat chain ran for one packet at one hook. The kernel asks the chains
 * of a hook only about a flow that has no decision yet for the end which that
 * hook rewrites: the destination at prerouting and output, the source at input
 * and postrouting.
 */
import type { BatchView } from '../columns/batch-view.ts';
import type { HookName } from '../model/codes.ts';
import type { FlowAccount, Skip } from './counts.ts';

function manipAt(hook: HookName): 'src' | 'dst' {
  return hook === 'prerouting' || hook === 'output' ? 'dst' : 'src';
}

/** What the packet's own row tells; undefined: its flow must tell the rest. */
export function skipOf(view: BatchView, row: number, hook: HookName): Skip | undefined {
  const state = view.word('state', row);
  if (state === 'untracked' || state === 'invalid') return state;
  if (state === 'none') return view.isTrue('complete', row) ? 'not seen by conntrack' : 'unknown';
  if (hook === 'forward') return 'no nat chain here';
  if (view.word('direction', row) === 'reply') return 'reply direction';
  if (view.isNull('flow', row)) return 'unknown';
  switch (view.word(`${manipAt(hook)}_nat`, row)) {
    case 'rule': // at an earlier hook, or with the flow that expected this one
      return 'flow already mapped';
    case 'null mapping':
      return wasDecidedBefore(view, row, hook) ? 'flow already mapped' : 'no nat chain here';
    case 'unknown':
      return 'unknown';
    default:
      return undefined;
  }
}

/** Over loopback a packet passes both hooks of each end: the first of them decides. */
function wasDecidedBefore(view: BatchView, row: number, hook: HookName): boolean {
  if (hook === 'prerouting') return !view.isNull('output_at', row);
  return hook === 'input' && !view.isNull('postrouting_at', row);
}

/** Was the packet dropped at this hook, without a decision? */
export function isDroppedAt(view: BatchView, row: number, hook: HookName): boolean {
  return view.word('verdict', row) === 'drop' && view.word('last_hook', row) === hook;
}

/** For a packet in original direction about which nothing was decided at the hook. */
export function skipByFlow(
  flow: FlowAccount | undefined,
  hook: HookName,
  isDropped: boolean,
): Skip {
  if (flow === undefined || flow.original === '') return 'unknown';
  if (flow.isOlder) return 'flow older than the trace';
  // dropped before it was confirmed, an entry is gone: every such packet is a first one
  const wasFirst = ['none', 'refused', 'merged'].includes(flow.confirm);
  if (wasFirst && isDropped) return 'dropped before the nat chains';
  const mapping = manipAt(hook) === 'src' ? flow.srcNat : flow.dstNat;
  return wasFirst || mapping === 'none' ? 'no nat chain here' : 'flow already mapped';
}
