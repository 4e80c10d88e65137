/** What the nat chains of a hook would have seen of a packet: its tuple before the hook rewrites. */
import type { HookName } from '../model/codes.ts';
import type { Manip } from '../model/ruleset.ts';
import type { FlowFact } from './flow-facts.ts';
import type { Way } from './way.ts';

export interface HookTuple {
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number;
  readonly dstPort: number;
}

/** The hooks that have nat chains. */
export const NAT_HOOKS = ['prerouting', 'input', 'output', 'postrouting'] as const;

/** HOOK2MANIP: destinations are rewritten where packets come from, sources where they go to. */
export function manipAt(hook: HookName): Manip {
  return hook === 'prerouting' || hook === 'output' ? 'dst' : 'src';
}

const ICMP: ReadonlySet<number> = new Set([1, 58]);

/**
 * Original direction: the destination is rewritten first, at prerouting or
 * output, the source at input or postrouting. Replies undo both, in the same
 * places. Over loopback a packet comes back with both done.
 */
export function tupleAt(flow: FlowFact, way: Way, hook: HookName): HookTuple {
  const isReply = way.direction === 'reply';
  const came = isReply ? replyEnds(flow) : originalEnds(flow);
  const goes = isReply ? inverted(originalEnds(flow)) : inverted(replyEnds(flow));
  const isBack = hook !== 'output' && hook !== 'postrouting' && wentOut(way, hook);
  const ends = isBack ? goes : manipAt(hook) === 'dst' ? came : halfWay(came, goes);
  if (!ICMP.has(flow.protocol)) return ends;
  return { ...ends, srcPort: came.srcPort, dstPort: came.dstPort };
}

function wentOut({ hooks }: Way, hook: HookName): boolean {
  return hooks.has(hook) && hooks.has('output');
}

function originalEnds({ src, dst, srcPort, dstPort }: FlowFact): HookTuple {
  return { src, dst, srcPort, dstPort };
}

function replyEnds(flow: FlowFact): HookTuple {
  const { replySrc: src, replyDst: dst, replySrcPort: srcPort, replyDstPort: dstPort } = flow;
  return { src, dst, srcPort, dstPort };
}

function inverted({ src, dst, srcPort, dstPort }: HookTuple): HookTuple {
  return { src: dst, dst: src, srcPort: dstPort, dstPort: srcPort };
}

function halfWay(came: HookTuple, goes: HookTuple): HookTuple {
  return { src: came.src, srcPort: came.srcPort, dst: goes.dst, dstPort: goes.dstPort };
}

/** Hooks that a packet may still come to after this one. */
const AHEAD: Readonly<Record<HookName, readonly HookName[]>> = {
  prerouting: ['input', 'forward', 'postrouting'],
  input: [],
  forward: ['postrouting'],
  output: ['postrouting'],
  postrouting: [],
};

/** Was it dropped on a way that may have led to this hook? */
export function wasDroppedBefore(way: Way, hook: HookName): boolean {
  return way.verdict === 'drop' && AHEAD[way.lastHook].includes(hook);
}

/** Is the destination, as the routing saw it, this machine's? Undefined: not told by the way. */
export function isLocalDestination(flow: FlowFact, way: Way): boolean | undefined {
  if (flow.nat.dst !== 'null mapping' && flow.nat.dst !== 'none') return undefined;
  if (way.direction === 'reply') return undefined;
  if (way.hooks.has('input')) return true;
  return way.hooks.has('forward') ? false : undefined;
}
