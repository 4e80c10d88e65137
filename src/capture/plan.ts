/**
 * Which program of bpf/conntrail.bpf.c goes to which function of this kernel.
 * Pure: what the kernel has comes in, a list to attach comes out.
 */

import { isAtLeast, type Release } from '../kernel/release.ts';
import { TraceError } from '../model/error.ts';

export interface Probe {
  readonly program: string;
  readonly kind: 'kprobe' | 'tracepoint';
  /** The kernel function; for a tracepoint its category and name. */
  readonly function: string;
  /** A kretprobe: runs when the function returns. */
  readonly return: boolean;
  /** False: a trace is worth having without it. */
  readonly required: boolean;
}

export interface ProbePlan {
  readonly probes: readonly Probe[];
  /** What this kernel has not, each with the reason: goes into the facts of the trace. */
  readonly notAvailable: readonly string[];
}

type Has = (kernelFunction: string) => boolean;

/** Entry and return, or entry alone; `absent` says what it means when the function is not there. */
interface Wish {
  readonly function: string;
  readonly programs: readonly [entry: string, leave?: string];
  /** Absent: required. */
  readonly absent?: string;
}

const NO_NAT = 'nf_nat is not loaded, nothing is translated here';

const WISHES: readonly Wish[] = [
  { function: 'nf_hook_slow', programs: ['hook_enter', 'hook_leave'] },
  { function: 'nf_conntrack_in', programs: ['conntrack_in_enter', 'conntrack_in_leave'] },
  { function: '__nf_conntrack_confirm', programs: ['confirm_enter', 'confirm_leave'] },
  { function: 'nf_conntrack_free', programs: ['entry_free'] },
  {
    function: 'nf_nat_setup_info',
    programs: ['nat_setup_enter', 'nat_setup_leave'],
    absent: NO_NAT,
  },
  {
    function: 'nft_nat_do_chain',
    programs: ['nft_chain'],
    absent: 'nft_chain_nat is not loaded, nft has no nat chain here',
  },
];

/**
 * `has` answers for the functions of the kernel and of its loaded modules.
 * Throws where a required one is not there.
 */
export function planProbes(has: Has, release: Release): ProbePlan {
  const wishes = [...WISHES, nullMapping(has), deletion(has)];
  const missing = wishes.filter((wish) => wish.absent === undefined && !has(wish.function));
  if (missing.length > 0) throw requiredMissing(missing.map((wish) => wish.function));
  const legacy = LEGACY.map((backend) => legacyBackend(backend, has, release));
  const all = [...wishes, ...legacy.flatMap((found) => found.wish ?? [])];
  return {
    probes: [...all.filter((wish) => has(wish.function)).flatMap(probesOf), PACKET_DROP],
    notAvailable: [
      ...all.flatMap((wish) => (has(wish.function) ? [] : [`${wish.function}: ${wish.absent}`])),
      ...legacy.flatMap((found) => found.reason ?? []),
    ],
  };
}

const PACKET_DROP: Probe = {
  program: 'packet_drop',
  kind: 'tracepoint',
  function: 'skb/kfree_skb',
  return: false,
  required: false,
};

function probesOf(wish: Wish): Probe[] {
  return wish.programs.flatMap((program, index) =>
    program === undefined
      ? []
      : [
          {
            program,
            kind: 'kprobe' as const,
            function: wish.function,
            return: index === 1,
            required: wish.absent === undefined,
          },
        ],
  );
}

/** A static function: another compiler may inline it. */
function nullMapping(has: Has): Wish {
  return {
    function: '__nf_nat_alloc_null_binding',
    programs: ['null_binding'],
    absent: has('nf_nat_setup_info')
      ? 'inlined in this kernel, null mappings show as decided by a rule'
      : NO_NAT,
  };
}

/** gcc of 5.10 splits the function, and callers inside nf_conntrack jump to the part. */
function deletion(has: Has): Wish {
  return has('nf_ct_delete.part.0')
    ? { function: 'nf_ct_delete.part.0', programs: ['entry_delete_part'] }
    : { function: 'nf_ct_delete', programs: ['entry_delete'] };
}

const LEGACY = [
  {
    hook: 'iptable_nat_do_chain',
    hookProgram: 'ipt_chain',
    walk: 'ipt_do_table',
    walkProgram: 'ipt_table',
  },
  {
    hook: 'ip6table_nat_do_chain',
    hookProgram: 'ip6t_chain',
    walk: 'ip6t_do_table',
    walkProgram: 'ip6t_table',
  },
] as const;

/**
 * The legacy nat chains have a hook function of their own up to 5.15. From
 * 5.16 the table walk is the hook; before, it takes other arguments.
 */
function legacyBackend(
  { hook, hookProgram, walk, walkProgram }: (typeof LEGACY)[number],
  has: Has,
  release: Release,
): { wish?: Wish; reason?: string } {
  const absent = 'not loaded';
  if (has(hook)) return { wish: { function: hook, programs: [hookProgram], absent } };
  const isHook = isAtLeast(release, 5, 16);
  if (isHook && has(walk)) return { wish: { function: walk, programs: [walkProgram], absent } };
  return {
    reason: `${isHook ? walk : hook}: the legacy backend has no nat table loaded here`,
  };
}

function requiredMissing(names: readonly string[]): TraceError {
  return new TraceError('missing', `this kernel has no ${names.join(', ')} to attach to`, {
    hint: names.includes('nf_hook_slow')
      ? 'boot a kernel built with CONFIG_NETFILTER=y'
      : 'modprobe nf_conntrack',
  });
}
