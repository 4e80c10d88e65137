/* SPDX-License-Identifier: GPL-2.0 */
/* Records about an entry as such: its tuples, where it is, what was decided. */
#ifndef CONNTRAIL_TELL_H
#define CONNTRAIL_TELL_H

/* A record about an entry as such, with one of its tuples. */
static __always_inline struct record *reserve_entry(struct counters *count, __u8 kind,
						    struct nf_conn *ct, __u64 number, int direction,
						    const struct entry_facts *facts)
{
	struct record *record = reserve(count, kind);
	struct tuple tuple;

	if (!record)
		return NULL;
	read_entry_tuple(ct, direction, &tuple);
	set_tuple(record, &tuple);
	record->flow = number;
	record->netns = facts->netns;
	record->status = facts->state.status;
	record->state = state_code(facts->state.tcp, tuple.l4proto);
	record->mark = facts->state.mark;
	return record;
}

/*
 * One record about a flow, but for when it began and where its entry is. With
 * FLOW_REPLY in `flags` it has the reply tuple, else the original one.
 */
static __always_inline struct record *reserve_flow(struct counters *count, struct nf_conn *ct,
						   const struct flow *flow, __u16 flags,
						   const struct entry_facts *facts)
{
	struct record *record =
		reserve_entry(count, RECORD_FLOW, ct, flow->number, flags & FLOW_REPLY, facts);

	if (!record)
		return NULL;
	record->flags = flags | flow->decided | (flow->born_here ? FLOW_NEW : 0);
	record->zone = facts->zone;
	if (flags & FLOW_RULES) {
		record->src_rule = flow->rules[MANIP_SRC];
		record->dst_rule = flow->rules[MANIP_DST];
	}
	return record;
}

static __always_inline bool announce(struct counters *count, struct nf_conn *ct,
				     const struct flow *flow, __u16 flags, __u8 verdict,
				     const struct entry_facts *facts)
{
	struct record *record = reserve_flow(count, ct, flow, flags, facts);

	if (!record)
		return false;
	record->verdict = verdict;
	if (!(flags & FLOW_RULES)) {
		record->first_ns = flow->first_ns;
		record->entry = (__u64)ct;
	}
	submit(record);
	return true;
}

#define MOST_SINCE_FIRST (1U << 31) /* the clock goes on until the record has its time */

static __always_inline bool fits_one(struct nf_conn *ct, const struct flow *flow)
{
	struct nf_conntrack_tuple *tuple = &ct->tuplehash[0].tuple;

	return BPF_CORE_READ(tuple, src.l3num) == NFPROTO_IPV4 &&
	       bpf_ktime_get_ns() - flow->first_ns < MOST_SINCE_FIRST;
}

static __always_inline bool announce_both(struct counters *count, struct nf_conn *ct,
					  const struct flow *flow, __u16 flags, __u8 verdict,
					  const struct entry_facts *facts)
{
	struct record *record = reserve_flow(count, ct, flow, flags | FLOW_RULES | FLOW_BOTH, facts);
	struct tuple reply;
	__be32 src, dst;

	if (!record)
		return false;
	record->verdict = verdict;
	src = ipv4_in(record->src);
	dst = ipv4_in(record->dst);
	read_entry_tuple(ct, 1, &reply);
	record->both.src = src;
	record->both.dst = dst;
	record->both.src_reply = ipv4_in(reply.src);
	record->both.dst_reply = ipv4_in(reply.dst);
	record->both.src_port_reply = reply.src_port;
	record->both.dst_port_reply = reply.dst_port;
	record->both.since_first_ns = record->ktime_ns - flow->first_ns;
	record->both.entry = (__u64)ct;
	submit(record);
	return true;
}

/*
 * Both tuples, in one record if they fit, else in two; what could not be sent is
 * tried again at the next sight. `flags`: FLOW_CONFIRM_RAN, then with its verdict.
 */
static __noinline int tell_tuples(struct nf_conn *ct, struct flow *flow, __u16 flags, __u8 verdict)
{
	struct counters *count = cpu_counters();
	struct entry_facts facts;

	if (!count || !flow)
		return 0;
	facts = read_facts(ct);
	facts.zone = entry_zone(ct);
	flow->mark = facts.state.mark;
	flow->state = state_word(&facts.state);
	if (fits_one(ct, flow))
		flow->announced = announce_both(count, ct, flow, flags, verdict, &facts);
	else
		flow->announced = announce(count, ct, flow, flags, verdict, &facts) &&
				  announce(count, ct, flow, flags | FLOW_REPLY | FLOW_RULES,
					   verdict, &facts);
	return facts.state.status & IPS_EXPECTED;
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
