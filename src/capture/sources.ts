/**
 * What a trace can say, and by which probe it knows it on this kernel: goes
 * into the facts of the trace and into `conntrail doctor`. Pure.
 */
import type { Detail } from '../model/facts.ts';
import { placeText } from './attach.ts';
import { type Probe, type ProbePlan, TELL_OPEN } from './plan.ts';

interface Source {
  /** What is known by it. */
  readonly fact: string;
  /** Functions of which one, or several, tell it. */
  readonly functions: RegExp;
  readonly details: readonly Detail[];
  /** Told by one of these programs; any where not given. */
  readonly programs?: RegExp;
  /** Said behind the probes. */
  readonly note?: string;
  /** Why it is not known, where no function of the plan says so. */
  readonly otherwise: string;
}

const PACKETS: readonly Detail[] = ['packets', 'visits'];
const ALL: readonly Detail[] = ['flows', ...PACKETS];
const NO_PACKETS = '--detail flows leaves packets alone';

const SOURCES: readonly Source[] = [
  {
    fact: "a packet's way",
    functions: /^nf_hook_slow$/,
    programs: /^hook_enter$/,
    details: PACKETS,
    otherwise: NO_PACKETS,
  },
  {
    fact: 'verdict of the last hook',
    functions: /^(nf_hook_slow|(ipv[46]|nf)_confirm)$/,
    programs: /_leave/,
    details: PACKETS,
    otherwise: NO_PACKETS,
  },
  {
    fact: 'verdict of each hook',
    functions: /^nf_hook_slow$/,
    details: PACKETS,
    note: 'accepted: by the next hook or the return; dropped: by skb/kfree_skb',
    otherwise: NO_PACKETS,
  },
  {
    fact: 'place of a drop',
    functions: /^skb\/kfree_skb$/,
    details: PACKETS,
    otherwise: NO_PACKETS,
  },
  {
    fact: 'nat chain evaluated',
    functions: /^(nft_nat_do_chain|ip6?table_nat_do_chain|ip6?t_do_table)$/,
    details: ALL,
    otherwise: 'no backend has a nat chain here',
  },
  {
    fact: 'NAT decision',
    functions: /^nf_nat_setup_info$/,
    details: ALL,
    otherwise: 'nf_nat is not loaded',
  },
  {
    fact: 'null mapping',
    functions: /^__nf_nat_alloc_null_binding$/,
    details: ALL,
    otherwise: 'nf_nat is not loaded',
  },
  {
    fact: 'deciding rule of nft',
    functions: /^nft_\w+_eval$/,
    details: ALL,
    otherwise: 'no nat statement of nft is loaded',
  },
  {
    fact: 'deciding rule of iptables',
    functions: /^(xt_[sd]nat_target_v\d|(masquerade|redirect|netmap)_tg\d?)$/,
    details: ALL,
    otherwise: 'no nat target of xtables is loaded',
  },
  {
    fact: 'table of a legacy rule',
    functions: /^(ip6?table_nat_do_chain|ip6?t_do_table|xt_find_table_lock)$/,
    details: ALL,
    otherwise: 'the legacy backend is not loaded',
  },
  {
    fact: 'change of rules',
    functions: /^(nf_tables_commit|xt_replace_table)$/,
    details: ALL,
    otherwise: 'no backend is loaded',
  },
  {
    fact: 'confirmation',
    functions: /^__nf_conntrack_confirm$/,
    details: ALL,
    otherwise: 'nf_conntrack is not loaded',
  },
  {
    fact: 'clash, and the rival',
    functions: /^nf_ct_resolve_clash$/,
    details: ALL,
    otherwise: 'inlined in this kernel: only that the packet has another entry afterwards is seen',
  },
  {
    fact: 'why a packet is invalid',
    functions: /^nf_(ct_)?l4proto_log_invalid$/,
    details: ALL,
    otherwise: 'the functions that say so are not there',
  },
  {
    fact: 'full table, evicted flows',
    functions: /^(early_drop|__nf_conntrack_alloc)$/,
    details: ALL,
    otherwise: 'inlined in this kernel',
  },
  {
    fact: 'packets that wait in a queue',
    functions: /^(nf_queue|nfqnl_reinject)$/,
    details: PACKETS,
    otherwise: 'nfnetlink_queue is not loaded: nobody can listen',
  },
  {
    fact: 'fragments',
    functions: /^inet_frag_(queue_insert|reasm_finish)$/,
    details: PACKETS,
    otherwise: 'the functions are not there: a fragment ends as stolen, what they become is torn',
  },
  {
    fact: 'end of a flow',
    functions: /^(nf_ct_delete(\.part\.0)?|nf_conntrack_free)$/,
    details: ALL,
    otherwise: 'nf_conntrack is not loaded',
  },
  {
    fact: 'modules that come later',
    functions: /^module\//,
    details: ALL,
    otherwise: 'this kernel has no modules',
  },
];

/** By what is known, how: the probes, or `not available: ` and the reason. */
export function sourcesOf(
  plan: Pick<ProbePlan, 'probes' | 'notAvailable' | 'runs'>,
  detail: Detail,
): Record<string, string> {
  const told = SOURCES.map((source) => [source.fact, howTold(source, plan, detail)]);
  return { ...Object.fromEntries(told), 'packets of a flow': howCounted(plan, detail) };
}

function howTold(source: Source, plan: Pick<ProbePlan, 'probes' | 'notAvailable'>, detail: Detail) {
  const { functions, programs, details, note, otherwise } = source;
  const isMeant = (probe: Probe): boolean =>
    functions.test(probe.function) && (programs?.test(probe.program) ?? true);
  const probes = details.includes(detail) ? plan.probes.filter(isMeant) : [];
  if (probes.length > 0) {
    const places = [...new Set(probes.map(placeText))].join(', ');
    return note === undefined ? places : `${places} (${note})`;
  }
  const named = plan.notAvailable.find((line) => functions.test(line.split(':', 1)[0]!));
  return `not available: ${named?.replace(/^[^:]*: /, '') ?? otherwise}`;
}

/** Who counts the packets and bytes of a flow. */
function howCounted({ runs }: Pick<ProbePlan, 'runs'>, detail: Detail): string {
  if (detail !== 'flows') return 'derived: the packets of the trace are added up';
  return runs.includes(TELL_OPEN)
    ? "conntrack's own accounting, read when a flow ends and when the trace ends"
    : "conntrack's own accounting, read when a flow ends";
}
