/* SPDX-License-Identifier: GPL-2.0 */
/* __nf_conntrack_confirm() and the end of an entry. */
#ifndef CONNTRAIL_CONNTRACK_H
#define CONNTRAIL_CONNTRACK_H

/* It lost a clash, and is gone: the tuple is that of the entry that won. */
static __always_inline void tell_merged(struct counters *count, struct nf_conn *winner, __u64 loser)
{
	struct entry_facts facts = read_facts(winner);
	struct record *record = reserve_entry(count, RECORD_FLOW, winner, loser, 0, &facts);

	if (!record)
		return;
	record->flags = FLOW_CONFIRM_RAN | FLOW_MERGED;
	record->verdict = NF_ACCEPT;
	submit(record);
}

/* The packet that made the entry may be seen here first: what was decided is told of it, too. */
static __always_inline void note_confirm(struct sk_buff *skb, __u32 what, __u16 decided)
{
	struct packet *packet = packet_of(skb);

	if (packet && packet->record.traversal.visits)
		packet->record.traversal.seen |=
			what << SEEN_CONFIRM | (__u32)decided >> 4 << SEEN_DECIDED;
}

/* The number of the entry that asks for its place in the table; 0 for none. */
static __always_inline __u64 number_before_confirm(struct sk_buff *skb)
{
	struct flow *flow = flow_of(entry_of(FIELD(skb, _nfct)));

	return flow ? flow->number : 0;
}

/*
 * The last hook of a flow's first packet. `before` is the flow that asked for
 * its place. A reply to a packet that was refused asks for none.
 */
static __always_inline int on_confirm(struct sk_buff *skb, __u64 before, int ret)
{
	struct counters *count = cpu_counters();
	__u64 nfct = FIELD(skb, _nfct);
	struct nf_conn *ct = entry_of(nfct);
	struct flow *flow;

	if (!count || !ct || is_reply(nfct))
		return 0;
	flow = known_flow(ct);
	if (flow && flow->number == before) {
		if (flow_wanted(flow))
			tell_flow(ct, flow, FLOW_CONFIRM_RAN, ret);
		note_confirm(skb, ret == NF_ACCEPT ? CONFIRM_INSERTED : CONFIRM_REFUSED,
			     flow->decided);
		if (ret != NF_ACCEPT)
			tell_unconfirmed(skb, ct, flow_wanted(flow) ? flow->number : 0);
		return 0;
	}
	flow = flow_of(ct);
	if (before && flow && flow_wanted(flow))
		tell_merged(count, ct, before);
	note_confirm(skb, CONFIRM_MERGED, 0);
	return 0;
}

static __always_inline void tell_end(struct counters *count, struct nf_conn *ct,
				     const struct flow *flow, __u16 flags)
{
	struct entry_facts facts = read_facts(ct);
	struct record *record = reserve_entry(count, RECORD_END, ct, flow->number, 0, &facts);

	if (!record)
		return;
	record->flags = flags | (read_account(ct, record) ? END_ACCOUNTED : 0);
	record->remaining = BPF_CORE_READ(ct, timeout) - (__u32)bpf_jiffies64();
	submit(record);
}

/* early_drop() deletes those, too, where it meets them, of whatever namespace; they are no victims. */
static __always_inline bool has_expired(struct nf_conn *ct)
{
	return (__s32)(BPF_CORE_READ(ct, timeout) - (__u32)bpf_jiffies64()) <= 0;
}

/* nf_ct_delete(): out of the table, by timeout, by a user, or under pressure. */
static __always_inline int on_delete(struct nf_conn *ct, bool may_be_dying, __u64 stack)
{
	struct counters *count = cpu_counters();
	struct note *note = cpu_note();
	struct flow *flow;
	__u16 flags = END_DELETED;

	if (!count || !is_recording())
		return 0;
	if (may_be_dying && (BPF_CORE_READ(ct, status) & IPS_DYING))
		return 0;
	flow = flow_of(ct); /* one that no packet showed is told now */
	if (flow && is_evicted(note, stack) && !has_expired(ct)) {
		tell_victim(note, flow);
		flags |= END_EVICTED;
	}
	if (flow && flow_wanted(flow))
		tell_end(count, ct, flow, flags);
	return 0;
}

/* nf_conntrack_free(): the memory goes back; its address will be another flow's. */
static __always_inline int on_free(struct nf_conn *ct)
{
	struct counters *count = cpu_counters();
	struct flow *flow = known_flow(ct);
	__u64 key = (__u64)ct;

	if (!count || !flow)
		return 0;
	if (flow_wanted(flow) && !(BPF_CORE_READ(ct, status) & IPS_CONFIRMED)) {
		if (!flow->announced)
			tell_flow(ct, flow, 0, 0);
		tell_end(count, ct, flow, END_UNCONFIRMED);
	}
	bpf_map_delete_elem(&flows, &key);
	return 0;
}

#endif
