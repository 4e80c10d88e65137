/* SPDX-License-Identifier: GPL-2.0 */
/* Around an entry: the search for a free tuple, flows to expect, sequence numbers. */
#ifndef CONNTRAIL_SEARCH_H
#define CONNTRAIL_SEARCH_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* In the BTF of nf_conntrack, where modules have any: asked whether and where. */
struct nf_conntrack_expect {
	struct nf_conntrack_tuple tuple;
	struct nf_conn *master;
};

#pragma clang attribute pop

struct nat_range { /* struct nf_nat_range2: uapi/linux/netfilter/nf_nat.h */
	__u32 flags;
	__u32 min_address[4], max_address[4];
	__be16 min_port, max_port, base_port;
};

#define NF_NAT_RANGE_MAP_IPS (1 << 0)
#define NF_NAT_RANGE_PROTO_SPECIFIED (1 << 1)

/* nf_conntrack_tuple_taken() has said whether a tuple of the search for `ct` is another's. */
static __always_inline int on_tuple_taken(__u64 ct, __u32 taken)
{
	struct note *note = cpu_note();

	if (!note)
		return 0;
	if (note->searched_for != ct) {
		note->searched_for = ct;
		note->tries = 0;
	}
	note->tries += taken;
	note->last_taken = taken;
	return 0;
}

static __noinline int tell_range(const struct failure *search, __u64 range_at)
{
	struct failure failure = { .cause = FAILURE_RANGE };
	struct nat_range range = {};
	struct record *record;
	bool is_ipv4;

	if (!search || bpf_probe_read_kernel(&range, 44, (void *)range_at))
		return 0;
	failure.flow = search->flow;
	failure.netns = search->netns;
	failure.zone = search->zone;
	failure.tuple = search->tuple; /* what the filter is asked with */
	record = reserve_failure(&failure);
	if (!record)
		return 0;
	is_ipv4 = search->tuple.family == 4;
	__builtin_memset(record->src, 0, sizeof(record->src) + sizeof(record->dst));
	record->src_port = record->dst_port = 0;
	if (range.flags & NF_NAT_RANGE_MAP_IPS) {
		move_address((__u64 *)record->src, range.min_address, is_ipv4);
		move_address((__u64 *)record->dst, range.max_address, is_ipv4);
	}
	if (range.flags & NF_NAT_RANGE_PROTO_SPECIFIED) {
		record->src_port = bpf_ntohs(range.min_port);
		record->dst_port = bpf_ntohs(range.max_port);
	}
	submit(record);
	return 0;
}

/* nf_nat_setup_info() returns; a search that ended with a taken tuple has found none free. */
static __noinline int tell_search(struct nf_conn *ct, __u64 range_at, struct note *note)
{
	struct failure failure = { .cause = FAILURE_SEARCH, .hook = NO_HOOK };
	struct record *record;

	if (!note)
		return 0;
	failure.flow = told_flow(ct);
	describe_entry(ct, &failure);
	tell_range(&failure, range_at);
	record = reserve_failure(&failure);
	if (!record)
		return 0;
	record->tries = note->tries;
	submit(record);
	return 0;
}

static __always_inline void end_search(struct nf_conn *ct, __u64 range_at)
{
	struct note *note = refusals ? cpu_note() : NULL;

	if (!note || note->searched_for != (__u64)ct)
		return;
	if (note->last_taken)
		tell_search(ct, range_at, note);
	note->searched_for = 0;
}

#define EXPECTED_TUPLE 32 /* struct nf_conntrack_expect of 5.10, where no BTF tells */
#define EXPECTED_MASTER 120

/* nf_ct_expect_related_report(): below 0 the flow is not expected. */
static __noinline int on_expect(struct nf_conntrack_expect *expected, int result)
{
	struct failure failure = { .cause = FAILURE_EXPECT, .hook = NO_HOOK };
	__u32 tuple_at = EXPECTED_TUPLE;
	struct record *record;
	struct nf_conn *master;

	if (result >= 0)
		return 0;
	if (bpf_core_type_exists(struct nf_conntrack_expect)) {
		tuple_at = bpf_core_field_offset(expected->tuple);
		master = BPF_CORE_READ(expected, master);
	} else {
		master = (struct nf_conn *)word_at((__u64)expected + EXPECTED_MASTER);
	}
	failure.flow = told_flow(master);
	describe_entry(master, &failure);
	read_kernel_tuple((void *)expected + tuple_at, &failure.tuple);
	record = reserve_failure(&failure);
	if (!record)
		return 0;
	record->error = -result;
	submit(record);
	return 0;
}

/* nf_ct_seq_adjust(): false drops the packet. */
static __noinline int on_sequence(struct sk_buff *skb, struct nf_conn *ct, __u32 is_adjusted)
{
	struct failure failure = { .cause = FAILURE_SEQUENCE, .verdict = NF_DROP };
	struct record *record;

	if (is_adjusted)
		return 0;
	failure.flow = told_flow(ct);
	describe_entry(ct, &failure);
	failure.skb = (__u64)skb;
	failure.hook = hook_of(skb);
	record = reserve_failure(&failure);
	if (record)
		submit(record);
	return 0;
}

#endif
