/* SPDX-License-Identifier: GPL-2.0 */
/* nf_conntrack_in(), __nf_conntrack_confirm(), and the end of an entry. */
#ifndef CONNTRAIL_CONNTRACK_H
#define CONNTRAIL_CONNTRACK_H

/* The entry is found or made; from here on the visit knows its flow. */
static __always_inline int on_conntrack_in(struct sk_buff *skb, struct nf_hook_state *state, int ret)
{
	struct counters *count = cpu_counters();
	__u64 key = (__u64)state;
	struct visit *visit = bpf_map_lookup_elem(&visits, &key);
	struct flow *flow;

	if (!count || !visit)
		return 0;
	visit->flags |= VISIT_CONNTRACK_RAN;
	if (ret != NF_ACCEPT)
		visit->flags |= VISIT_CONNTRACK_DROP;
	visit->nfct = BPF_CORE_READ(skb, _nfct);
	flow = flow_of(count, entry_of(visit->nfct));
	visit->flow = flow ? flow->number : 0;
	remember_entry(visit);
	if (flow && entry_terms_wanted(ctinfo_of(visit->nfct), visit->zone, visit->status))
		meet_flow(entry_of(visit->nfct), flow);
	return 0;
}

/* The last hook of a flow's first packet. `before` is the flow that asked for its place. */
static __always_inline int on_confirm(struct sk_buff *skb, __u64 before, int ret)
{
	struct counters *count = cpu_counters();
	struct nf_conn *ct = entry_of(BPF_CORE_READ(skb, _nfct));
	struct flow *flow;
	struct record *record;

	if (!count || !ct)
		return 0;
	flow = visited_flow(count, ct);
	if (is_filtering() && !(flow && flow_wanted(flow)))
		return 0;
	record = reserve_entry(count, RECORD_CONFIRM, ct, before, 1);
	if (!record)
		return 0;
	record->skb = (__u64)skb;
	record->verdict = ret;
	record->confirm.zone = entry_zone(ct);
	if (flow && flow->number != before) {
		record->flags = CONFIRM_MERGED;
		record->confirm.into_lo = flow->number;
		record->confirm.into_hi = flow->number >> 32;
	}
	submit(record);
	return 0;
}

static __always_inline int tell_end(struct nf_conn *ct, const struct flow *flow, __u16 flags,
				    __u64 caller)
{
	struct counters *count = cpu_counters();
	struct record *record;

	if (!count || !flow_wanted(flow))
		return 0;
	record = reserve_entry(count, RECORD_END, ct, flow->number, 0);
	if (!record)
		return 0;
	record->flags = flags;
	record->end.remaining = BPF_CORE_READ(ct, timeout) - (__u32)bpf_jiffies64();
	record->end.caller_lo = caller;
	record->end.caller_hi = caller >> 32;
	submit(record);
	return 0;
}

/* nf_ct_delete(): out of the table, by timeout, by a user, or under pressure. */
static __always_inline int on_delete(struct nf_conn *ct, __u64 caller, bool may_be_dying)
{
	struct flow *flow = known_flow(ct);

	if (!flow || (may_be_dying && (BPF_CORE_READ(ct, status) & IPS_DYING)))
		return 0;
	return tell_end(ct, flow, END_DELETED, caller);
}

/* nf_conntrack_free(): the memory goes back; its address will be another flow's. */
static __always_inline int on_free(struct nf_conn *ct, __u64 caller)
{
	struct flow *flow = known_flow(ct);
	__u64 key = (__u64)ct;

	if (!flow)
		return 0;
	if (!(BPF_CORE_READ(ct, status) & IPS_CONFIRMED))
		tell_end(ct, flow, END_UNCONFIRMED, caller);
	bpf_map_delete_elem(&flows, &key);
	return 0;
}

#endif
