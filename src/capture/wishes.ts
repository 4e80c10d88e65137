/**
 * The kernel functions that conntrail wants to see, and the programs of
 * bpf/kprobe.bpf.c and bpf/fentry.bpf.c that go there.
 */

import { isAtLeast, type Release } from '../kernel/release.ts';
import type { Detail } from '../model/facts.ts';
import { failureWishes } from './failure-wishes.ts';
import { hasQueues, queueWishes } from './queue-wishes.ts';
import { ruleWishes } from './rule-wishes.ts';
import { ALL, type Asked, entry, type Has, type Wish } from './wish.ts';

const PACKETS: readonly Detail[] = ['packets', 'visits'];
const NO_NAT = 'nf_nat is not loaded, nothing is translated here';

const NO_FRAGMENTS = 'fragments are torn, and what they become has no ports as it came';

const FIXED: readonly Wish[] = [
  { function: 'nf_hook_slow', ...entry('hook_enter'), details: ['packets'] },
  {
    function: 'nf_hook_slow',
    kprobe: { entry: 'hook_enter', leave: 'hook_leave' },
    fentry: { entry: 'hook_enter', leave: 'hook_leave' },
    details: ['visits'],
  },
  {
    function: '__nf_conntrack_confirm',
    kprobe: { entry: 'confirm_enter', leave: 'confirm_leave' },
    fentry: { entry: 'confirm_enter', leave: 'confirm_leave' },
    details: ALL,
  },
  {
    function: 'inet_frag_queue_insert',
    ...entry('fragment'),
    details: PACKETS,
    absent: NO_FRAGMENTS,
  },
  { function: 'inet_frag_reasm_finish', ...entry('whole'), details: PACKETS, absent: NO_FRAGMENTS },
  { function: 'nf_conntrack_free', ...entry('entry_free'), details: ALL },
  {
    function: 'nf_nat_setup_info',
    kprobe: { entry: 'nat_setup_enter', leave: 'nat_setup_leave' },
    fentry: { leave: 'nat_setup_leave' },
    details: ALL,
    absent: NO_NAT,
  },
  {
    function: 'nft_nat_do_chain',
    ...entry('nft_chain'),
    details: ALL,
    absent: 'nft_chain_nat is not loaded, nft has no nat chain here',
  },
];

export function wishesFor(asked: Asked, has: Has, release: Release): readonly Wish[] {
  const { detail, refusals = false } = asked;
  const all = [
    ...FIXED,
    ...lastHooks(has),
    nullMapping(has),
    deletion(has),
    ...legacy(has, release),
    ...ruleWishes(has),
    ...failureWishes(has, refusals),
    ...queueWishes(has),
  ];
  return all.filter((wish) => wish.details.includes(detail));
}

/** The last function of the last hook: one for each family up to 6.1, then one for both. */
function lastHooks(has: Has): Wish[] {
  const leaves = has('ipv4_confirm')
    ? { ipv4_confirm: 'last_hook_leave', ipv6_confirm: 'last_hook_leave6' }
    : { nf_confirm: 'last_hook_leave46' };
  return Object.entries(leaves).map(([name, program]) => ({
    function: name,
    kprobe: { entry: 'last_hook_enter', leave: 'last_hook_leave' },
    fentry: { leave: program },
    // Of a packet that comes out of a queue nothing else tells that it left its last hook.
    details: hasQueues(has) ? PACKETS : ['packets'],
  }));
}

/** A static function: another compiler may inline it. */
function nullMapping(has: Has): Wish {
  return {
    function: '__nf_nat_alloc_null_binding',
    ...entry('null_binding'),
    details: ALL,
    absent: has('nf_nat_setup_info')
      ? 'inlined in this kernel, null mappings show as decided by a rule'
      : NO_NAT,
  };
}

/** gcc of 5.10 splits the function, and callers inside nf_conntrack jump to the part. */
function deletion(has: Has): Wish {
  return has('nf_ct_delete.part.0')
    ? {
        function: 'nf_ct_delete.part.0',
        kprobe: { entry: 'entry_delete_part' },
        fentry: {},
        details: ALL,
      }
    : { function: 'nf_ct_delete', ...entry('entry_delete'), details: ALL };
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
 * 5.16 the table walk is the hook; before, it takes other arguments. Only BTF
 * of the module would tell them apart, and kernels of that age often have none:
 * where the hook is not there, the version decides.
 */
function legacy(has: Has, release: Release): Wish[] {
  const isHook = isAtLeast(release, 5, 16);
  return LEGACY.map(({ hook, hookProgram, walk, walkProgram }) => {
    const name = isHook && !has(hook) ? walk : hook;
    return {
      function: name,
      ...(name === walk ? entry(walkProgram) : { kprobe: { entry: hookProgram }, fentry: {} }),
      details: PACKETS, // its walk is every packet's: flows alone do without
      absent: 'the legacy backend has no nat table loaded here',
    };
  });
}
