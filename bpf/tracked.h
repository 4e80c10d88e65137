/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The return of nf_conntrack_in(), where flows alone are traced and their
 * changes of state are asked for: every packet comes here, few tell something.
 * What is set there, by each protocol's own function and then IPS_SEEN_REPLY, is set by now.
 */
#ifndef CONNTRAIL_TRACKED_H
#define CONNTRAIL_TRACKED_H

/*
 * The state is read after the place in the ring was reserved: of two CPUs that
 * tell of one entry, the later record has the later state.
 */
static __noinline int tell_state(struct nf_conn *ct, struct flow *flow, __u64 nfct)
{
	struct counters *count = cpu_counters();
	const struct nf_conn *copy;
	struct entry_state state;
	struct room_of_entry room;
	struct record *record;

	if (!count || !flow)
		return 0;
	record = reserve(count, RECORD_STATE);
	if (!record)
		return 0; /* counted; the next packet tells */
	copy = copy_entry(ct, &room);
	state = copied_state(copy, ct);
	describe_copied(record, flow, copy, &state, 0);
	set_addresses_of(record, copy, 0);
	record->ctinfo = ctinfo_of(nfct);
	submit(record);
	flow->state = state_word(&state);
	return 0;
}

/* A new entry is told of when it is confirmed, one that was never met before at once. */
static __always_inline int on_tracked(struct sk_buff *skb)
{
	__u64 nfct = FIELD(skb, _nfct);
	struct nf_conn *ct = entry_of(nfct);
	struct entry_state state;
	struct flow *flow;

	if (!ct || is_related(nfct) || !is_recording())
		return 0;
	flow = flow_of(ct);
	if (!flow || !flow->announced || !flow_wanted(flow))
		return 0;
	state = read_entry_state(ct);
	return state_word(&state) == flow->state ? 0 : tell_state(ct, flow, nfct);
}

#ifdef CONNTRAIL_FENTRY
SEC("fexit/nf_conntrack_in")
int BPF_PROG(tracked, struct sk_buff *skb)
{
	return on_tracked(skb);
}

#else
/* Refusals are told at the same return: a key of its own. */
SEC("kprobe/nf_conntrack_in")
int BPF_KPROBE(track, struct sk_buff *skb)
{
	remember_call(ENTRY_KEY(ctx) + 1, (__u64)skb, 0);
	return 0;
}

SEC("kretprobe/nf_conntrack_in")
int BPF_KRETPROBE(tracked)
{
	struct call *call = recall(RETURN_KEY(ctx) + 1);

	return call ? on_tracked((struct sk_buff *)call->args[0]) : 0;
}

#endif

#endif
