/* SPDX-License-Identifier: GPL-2.0 */
/* Records about an entry as such: its tuples, where it is, what was decided. */
#ifndef CONNTRAIL_TELL_H
#define CONNTRAIL_TELL_H

/* What is told of a flow: its entry, copied once, and where it stands. */
struct telling {
	struct nf_conn *ct;
	struct entry_state state;
	__u32 flags; /* FLOW_CONFIRM_RAN, then with its verdict */
	__u32 verdict;
};

/* One record about a flow, but for its addresses, when it began and where its entry is. */
static __always_inline struct record *reserve_flow(struct counters *count, struct flow *flow,
						   const struct telling *telling,
						   const struct nf_conn *copy, int direction)
{
	struct record *record = reserve(count, RECORD_FLOW);

	if (!record)
		return NULL;
	describe_copied(record, flow, copy, &telling->state, direction);
	record->flags = telling->flags | flow->decided | (flow->born_here ? FLOW_NEW : 0);
	record->verdict = telling->verdict;
	record->zone = copied_zone(copy);
	return record;
}

static __always_inline void add_rules(struct record *record, const struct flow *flow)
{
	record->flags |= FLOW_RULES;
	record->src_rule = flow->rules[MANIP_SRC];
	record->dst_rule = flow->rules[MANIP_DST];
}

/* The other tuple, of IPv4, in the same record; that has the ports of the original one. */
static __always_inline void add_both(struct record *record, const struct flow *flow,
				     const struct nf_conn *copy, struct nf_conn *ct)
{
	record->flags |= FLOW_BOTH;
	record->both.src = OF_TUPLE(copy, 0, src.u3.all[0]);
	record->both.dst = OF_TUPLE(copy, 0, dst.u3.all[0]);
	record->both.src_reply = OF_TUPLE(copy, 1, src.u3.all[0]);
	record->both.dst_reply = OF_TUPLE(copy, 1, dst.u3.all[0]);
	record->both.src_port_reply = bpf_ntohs(OF_TUPLE(copy, 1, src.u.all));
	record->both.dst_port_reply = bpf_ntohs(OF_TUPLE(copy, 1, dst.u.all));
	record->both.since_first_ns = record->ktime_ns - flow->first_ns;
	record->both.entry = (__u64)ct;
}

static __always_inline bool announce_reply(struct counters *count, struct flow *flow,
					   const struct telling *telling,
					   const struct nf_conn *copy)
{
	struct record *record = reserve_flow(count, flow, telling, copy, 1);

	if (!record)
		return false;
	set_addresses_of(record, copy, 1);
	record->flags |= FLOW_REPLY;
	add_rules(record, flow);
	submit(record);
	return true;
}

#define MOST_SINCE_FIRST (1U << 31)

/* Both tuples, in one record if they fit, else in two. */
static __always_inline bool announce(struct counters *count, struct flow *flow,
				     const struct telling *telling, const struct nf_conn *copy)
{
	struct record *record = reserve_flow(count, flow, telling, copy, 0);

	if (!record)
		return false;
	if (is_ipv4_entry(copy) && record->ktime_ns - flow->first_ns < MOST_SINCE_FIRST) {
		add_rules(record, flow);
		add_both(record, flow, copy, telling->ct);
		submit(record);
		return true;
	}
	set_addresses_of(record, copy, 0);
	record->first_ns = flow->first_ns;
	record->entry = (__u64)telling->ct;
	submit(record);
	return announce_reply(count, flow, telling, copy);
}

/*
 * What could not be sent is tried again at the next sight. `flags`:
 * FLOW_CONFIRM_RAN, then with its verdict.
 */
static __noinline int tell_tuples(struct nf_conn *ct, struct flow *flow, __u16 flags, __u8 verdict)
{
	struct telling telling = { .ct = ct, .flags = flags, .verdict = verdict };
	struct counters *count = cpu_counters();
	const struct nf_conn *copy;
	struct room_of_entry room;

	if (!count || !flow)
		return 0;
	copy = copy_entry(ct, &room);
	telling.state = copied_state(copy, ct);
	flow->mark = telling.state.mark;
	flow->state = state_word(&telling.state);
	flow->announced = announce(count, flow, &telling, copy);
	return telling.state.status & IPS_EXPECTED;
}

static __noinline int tell_parent(struct nf_conn *ct, struct flow *flow);

/* The same, and of an entry that was expected the one whose helper did: parent.h. */
static __always_inline int tell_flow(struct nf_conn *ct, struct flow *flow, __u16 flags,
				     __u8 verdict)
{
	bool was_announced = flow && flow->announced;

	if (tell_tuples(ct, flow, flags, verdict) && !was_announced && !tell_parent(ct, flow))
		flow->announced = 0;
	return 0;
}

#endif
