/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What conntrack refused or lost, as records. All of it is rare: these
 * functions may take their time. They are also called from kprobes of the
 * fentry object, so nothing is loaded through an argument.
 */
#ifndef CONNTRAIL_FAILURE_H
#define CONNTRAIL_FAILURE_H

/* What all failures are told with. */
struct failure {
	__u64 skb;	/* 0 where not known */
	__u64 flow;	/* number, 0 for none */
	__u32 netns, zone;
	struct tuple tuple;
	__u8 cause, hook, verdict, reserved;
	__u16 flags, status;
};

/* A filter about packets is asked of the packet, where it is known; the others of the tuple. */
static __noinline bool failure_wanted(const struct failure *failure)
{
	struct packet *packet;

	if (!failure || !netns_wanted(failure->netns) || !zone_wanted(failure->zone))
		return false;
	if (filter.by_packet) {
		packet = packet_of((struct sk_buff *)failure->skb);
		if (!failure->skb || !packet || packet->wanted == WANTED_NO)
			return false;
	}
	if (failure->flow) /* which is wanted, whatever this packet's own tuple says */
		return true;
	if (failure->flags & FAILURE_NO_TUPLE)
		return !filter.by_flow && sample == 1;
	return in_sample(&failure->tuple) && tuple_matches(&failure->tuple);
}

/* In place: of a place in the ring that a function returns the verifier forgets that it was checked. */
static __always_inline struct record *reserve_failure(const struct failure *failure)
{
	struct counters *count = cpu_counters();
	struct record *record;

	if (!count || !failure || !is_recording() || !failure_wanted(failure))
		return NULL;
	record = reserve(count, RECORD_FAILURE);
	if (!record)
		return NULL;
	set_tuple(record, &failure->tuple);
	record->skb = failure->skb;
	record->flow = failure->flow;
	record->netns = failure->netns;
	record->zone = failure->zone;
	record->hook = failure->hook;
	record->cause = failure->cause;
	record->verdict = failure->verdict;
	record->flags = failure->flags;
	record->status = failure->status;
	return record;
}

/* Where the packet is now, as far as its hooks are traced. */
static __always_inline __u8 hook_of(struct sk_buff *skb)
{
	struct packet *packet = packet_of(skb);

	return packet && packet->record.traversal.visits ? packet->record.hook : NO_HOOK;
}

/* read_tuple() for a pointer of which the verifier knows nothing. */
static __always_inline void read_packet(struct sk_buff *skb, __u8 pf, struct tuple *tuple)
{
	read_any_tuple(BPF_CORE_READ(skb, head), BPF_CORE_READ(skb, network_header),
		       BPF_CORE_READ(skb, tail), pf == NFPROTO_IPV4 ? 4 : 6, tuple);
}

/* Number of an entry's flow, made sure that user space knows it; 0 where it is not wanted. */
static __always_inline __u64 told_flow(struct nf_conn *ct)
{
	struct flow *flow = ct ? flow_of(ct) : NULL;

	return flow && flow_wanted(flow) ? flow->number : 0;
}

/* A failure that has an entry: what the entry says. Its flow is found by the caller: stacks are short. */
static __noinline int describe_entry(struct nf_conn *ct, struct failure *failure)
{
	if (!failure)
		return 0;
	failure->netns = entry_netns(ct);
	failure->zone = entry_zone(ct);
	failure->status = BPF_CORE_READ(ct, status);
	read_entry_tuple(ct, 0, &failure->tuple);
	return 0;
}

#endif
