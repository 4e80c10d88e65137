/**
 * Which program goes to which function of this kernel. Pure: what the kernel
 * has comes in, a list to attach comes out.
 */
import type { Release } from '../kernel/release.ts';
import { TraceError } from '../model/error.ts';
import type { Backend } from '../model/facts.ts';
import { stateWishes } from './state-wish.ts';
import type { Asked, Has, Wish } from './wish.ts';
import { wishesFor } from './wishes.ts';

export interface Probe {
  readonly program: string;
  readonly kind: 'kprobe' | 'kretprobe' | 'fentry' | 'fexit' | 'tracepoint';
  /** The kernel function; for a tracepoint its category and name. */
  readonly function: string;
  /** False: a trace is worth having without it. */
  readonly required: boolean;
}

export interface ProbePlan {
  readonly backend: Backend;
  readonly probes: readonly Probe[];
  /** Programs that are run and not attached. */
  readonly runs: readonly string[];
  /** What this kernel has not, each with the reason: goes into the facts of the trace. */
  readonly notAvailable: readonly string[];
}

const PACKET_DROP: Probe = {
  program: 'packet_drop',
  kind: 'tracepoint',
  function: 'skb/kfree_skb',
  required: false,
};

/** Modules that come later bring functions to attach to. */
const MODULES: readonly Probe[] = ['module_load', 'module_free'].map((program) => ({
  program,
  kind: 'tracepoint',
  function: `module/${program}`,
  required: false,
}));

/** Tells what conntrack counted of the entries that are still in the table. */
export const TELL_OPEN = 'tell_open_flows';
/** Tells of the packets that still wait in a queue. */
export const TELL_QUEUED = 'tell_queued_packets';
/** Tells of the packets that went into a hook and were never seen to come out of it. */
export const TELL_TAKEN = 'tell_taken_packets';
const WALK_OF_MAPS = 'bpf_for_each_map_elem';
/** A kernel without it does not load these. */
export const WALKING: readonly string[] = [TELL_OPEN, TELL_QUEUED];
export const canWalk = (has: Has): boolean => has(WALK_OF_MAPS);
const NOT_TOLD = `packets of flows that outlive the trace: this kernel has no ${WALK_OF_MAPS}(), they are not counted`;

/**
 * `has` answers for the functions of the kernel and of its loaded modules.
 * Throws where a required one is not there.
 */
export function planProbes(has: Has, release: Release, asked: Asked, backend: Backend): ProbePlan {
  const { detail } = asked;
  const wishes = [...wishesFor(asked, has, release), ...stateWishes(asked)];
  const missing = wishes.filter((wish) => wish.absent === undefined && !has(wish.function));
  if (missing.length > 0) throw requiredMissing(missing.map((wish) => wish.function));
  const there = wishes.filter((wish) => has(wish.function));
  const drop = detail === 'flows' ? [] : [PACKET_DROP];
  const hasWalk = canWalk(has);
  const tellsOpen = detail === 'flows' && hasWalk;
  const ofPackets = hasWalk ? [TELL_QUEUED, TELL_TAKEN] : [TELL_TAKEN]; // nfnetlink_queue may come later
  return {
    backend,
    probes: [...MODULES, ...there.flatMap((wish) => probesOf(wish, backend)), ...drop],
    runs: detail !== 'flows' ? ofPackets : hasWalk ? [TELL_OPEN] : [],
    notAvailable: [
      ...wishes.flatMap((wish) => (has(wish.function) ? [] : [`${wish.function}: ${wish.absent}`])),
      ...(detail === 'flows' && !tellsOpen ? [NOT_TOLD] : []),
    ],
  };
}

function probesOf(wish: Wish, backend: Backend): Probe[] {
  const { entry, leave } = wish[backend];
  const required = wish.absent === undefined;
  const name = wish.function;
  const [onEntry, onLeave] =
    (wish.only ?? backend) === 'fentry'
      ? (['fentry', 'fexit'] as const)
      : (['kprobe', 'kretprobe'] as const);
  return [
    ...(leave === undefined ? [] : [{ program: leave, kind: onLeave, function: name, required }]),
    ...(entry === undefined ? [] : [{ program: entry, kind: onEntry, function: name, required }]),
  ];
}

function requiredMissing(names: readonly string[]): TraceError {
  return new TraceError('missing', `this kernel has no ${names.join(', ')} to attach to`, {
    hint: names.includes('nf_hook_slow')
      ? 'boot a kernel built with CONFIG_NETFILTER=y'
      : 'modprobe nf_conntrack',
  });
}
