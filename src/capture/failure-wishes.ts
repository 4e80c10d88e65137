/** What is probed to know what conntrack refuses or loses, and why. */
import { ALL, entry, type Has, type Programs, type Wish } from './wish.ts';

/** In both backends. */
function around(
  enter: string,
  leave: string,
  fentryEnters: boolean,
): Pick<Wish, 'kprobe' | 'fentry'> {
  const fentry: Programs = fentryEnters ? { entry: enter, leave } : { leave };
  return { kprobe: { entry: enter, leave }, fentry };
}

/** All of these are called where something fails, but for the one that notes who asks for an entry. */
const RARE: readonly Omit<Wish, 'details'>[] = [
  {
    function: 'nf_ct_l4proto_log_invalid',
    ...entry('log_entry_invalid'),
    only: 'kprobe',
    absent: 'why conntrack refuses a packet of a flow is not told',
  },
  {
    function: 'nf_l4proto_log_invalid',
    ...entry('log_packet_invalid'),
    only: 'kprobe',
    absent: 'why conntrack refuses a packet is not told',
  },
  {
    function: '__nf_conntrack_alloc',
    ...entry('entry_alloc'),
    absent: 'for whom a full table had no room is not told',
  },
  {
    function: 'early_drop',
    ...around('early_drop_enter', 'early_drop_leave', true),
    absent: 'inlined in this kernel, a full table and evicted flows are not told',
  },
  {
    function: 'nf_ct_resolve_clash',
    ...around('clash_enter', 'clash_leave', true),
    absent: 'inlined in this kernel, which flow was the rival of a refused one is not told',
  },
  {
    function: 'nf_ct_expect_related_report',
    ...around('expect_enter', 'expect_leave', false),
    absent: 'flows that a helper fails to expect are not told',
  },
  {
    function: 'nf_ct_helper_log',
    ...entry('log_helper'),
    only: 'kprobe',
    absent: 'packets that a helper drops are not told',
  },
  {
    function: 'nf_ct_seq_adjust',
    ...around('sequence_enter', 'sequence_leave', false),
    absent: 'packets whose sequence numbers cannot be adjusted are not told',
  },
];

/** These run for every packet, and for every tuple that NAT tries. */
const OFTEN: readonly Omit<Wish, 'details'>[] = [
  {
    function: 'nf_conntrack_in',
    ...around('conntrack_enter', 'conntrack_leave', false),
    absent: 'packets that conntrack refuses without a word are not told',
  },
  {
    function: 'nf_conntrack_tuple_taken',
    ...around('taken_enter', 'taken_leave', false),
    absent: 'how many ports NAT tried is not told',
  },
];

/** nf_nat is not there: nothing searches for a port. */
export function failureWishes(has: Has, refusals: boolean): Wish[] {
  const often = OFTEN.filter(
    (wish) => wish.function !== 'nf_conntrack_tuple_taken' || has('nf_nat_setup_info'),
  );
  return [...RARE, ...(refusals ? often : [])].map((wish) => ({ ...wish, details: ALL }));
}
