/* SPDX-License-Identifier: GPL-2.0 */
/* __nf_conntrack_confirm() and the end of an entry. */
#ifndef CONNTRAIL_CONNTRACK_H
#define CONNTRAIL_CONNTRACK_H

/* It lost a clash, and is gone: the tuple is that of the entry that won. */
static __noinline int tell_merged(struct nf_conn *winner, struct flow *flow, __u64 loser)
{
	struct counters *count = cpu_counters();
	const struct nf_conn *copy;
	struct entry_state state;
	struct room_of_entry room;
	struct record *record;

	if (!count || !flow)
		return 0;
	copy = copy_entry(winner, &room);
	state = copied_state(copy, winner);
	record = reserve(count, RECORD_FLOW);
	if (!record)
		return 0;
	describe_copied(record, flow, copy, &state, 0);
	set_addresses_of(record, copy, 0);
	record->flow = loser;
	record->flags = FLOW_CONFIRM_RAN | FLOW_MERGED;
	record->verdict = NF_ACCEPT;
	submit(record);
	return 0;
}

/* The packet that made the entry may be seen here first: what was decided is told of it, too. */
static __always_inline void note_confirm(struct sk_buff *skb, __u32 what, __u16 decided)
{
	struct packet *packet = accounts ? NULL : packet_of(skb); /* of flows alone no packet is kept */

	if (packet && packet->record.traversal.visits)
		packet->record.traversal.seen |=
			what << SEEN_CONFIRM | (__u32)decided >> 4 << SEEN_DECIDED;
}

/* The number of the entry that asks for its place in the table; 0 for none. */
static __always_inline __u64 number_before_confirm(struct sk_buff *skb)
{
	struct flow *flow = flow_deciding(entry_of(FIELD(skb, _nfct)));

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
		flow->is_confirmed |= ret == NF_ACCEPT;
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
		tell_merged(ct, flow, before);
	note_confirm(skb, CONFIRM_MERGED, 0);
	return 0;
}

/* False: there was no room. */
static __noinline int tell_end(struct nf_conn *ct, struct flow *flow, __u16 flags)
{
	struct counters *count = cpu_counters();
	const struct nf_conn *copy;
	struct entry_state state;
	struct room_of_entry room;
	struct record *record;

	if (!count || !flow)
		return 0;
	copy = copy_entry(ct, &room);
	state = copied_state(copy, ct);
	record = reserve(count, RECORD_END);
	if (!record)
		return 0;
	describe_copied(record, flow, copy, &state, 0);
	if (read_account(copy, record))
		flags |= END_ACCOUNTED;
	else
		set_addresses_of(record, copy, 0);
	record->flags = flags;
	record->remaining = copy->timeout - (__u32)bpf_jiffies64();
	submit(record);
	return 1;
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
		tell_end(ct, flow, flags);
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
		tell_end(ct, flow, END_UNCONFIRMED);
	}
	bpf_map_delete_elem(&flows, &key);
	return 0;
}

#endif
