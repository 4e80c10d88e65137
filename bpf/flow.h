/* SPDX-License-Identifier: GPL-2.0 */
/* From a struct nf_conn to its number; a flow seen for the first time gets one. */
#ifndef CONNTRAIL_FLOW_H
#define CONNTRAIL_FLOW_H

static __always_inline struct nf_conn *entry_of(__u64 nfct)
{
	return (struct nf_conn *)(nfct & ~NFCT_INFOMASK);
}

static __always_inline __u8 ctinfo_of(__u64 nfct)
{
	if (!nfct)
		return CTINFO_NONE;
	return nfct & NFCT_INFOMASK; /* without an entry: 7, CTINFO_UNTRACKED */
}

/* What the filter and the sample say of an entry: about the whole of it, once. A frame of its own. */
static __noinline __u8 entry_wanted(struct nf_conn *ct)
{
	struct tuple tuple;

	if (!filter.by_flow && !filter.namespaces && !filter.zones && sample == 1)
		return WANTED_YES;
	if (filter.namespaces && !netns_wanted(entry_netns(ct)))
		return WANTED_NO;
	if (filter.zones && !zone_wanted(entry_zone(ct)))
		return WANTED_NO;
	read_entry_tuple(ct, 0, &tuple);
	if (!in_sample(&tuple))
		return WANTED_NO;
	if (tuple_matches(&tuple))
		return WANTED_YES;
	read_entry_tuple(ct, 1, &tuple);
	return tuple_matches(&tuple) ? WANTED_YES : WANTED_NO;
}

/* Of PPTP's two keys a packet has the receiver's, as dst_port: the other is the entry's alone. */
static __always_inline void leave_out_key(struct tuple *original, struct tuple *reply)
{
	original->src_port = reply->src_port = 0;
}

/* Both tuples of a confirmed entry, as hashes: from now on a packet is told by one comparison. */
static __noinline int hash_flow(struct nf_conn *ct, struct flow *flow)
{
	struct tuple original, reply, left;

	if (!flow)
		return 0;
	read_entry_tuple(ct, 0, &original);
	read_entry_tuple(ct, 1, &reply);
	if (original.l4proto == IPPROTO_GRE)
		leave_out_key(&original, &reply);
	flow->came_hash[0] = tuple_hash(&original);
	flow->came_hash[1] = tuple_hash(&reply);
	turn_round(&reply, &original, &left);
	flow->left_hash[0] = tuple_hash(&left);
	flow->rewrites = changed_ends(&original, &left);
	turn_round(&original, &reply, &left);
	flow->left_hash[1] = tuple_hash(&left);
	flow->rewrites |= changed_ends(&reply, &left) << 2;
	flow->hashed = 1;
	return 0;
}

/* Without numbering it: for an entry that may be on its way out. */
static __always_inline struct flow *known_flow(struct nf_conn *ct)
{
	__u64 key = (__u64)ct;

	return ct ? bpf_map_lookup_elem(&flows, &key) : NULL;
}

/* False where it has one already, or none for want of room. A frame of its own. */
static __noinline bool number_flow(struct nf_conn *ct, __u64 status, __u8 nulls)
{
	struct counters *count = cpu_counters();
	__u64 key = (__u64)ct;
	struct flow flow = {};

	if (!count || (status & IPS_TEMPLATE))
		return false;
	/* Every CPU gives out numbers of its own: no counter is shared, none is given twice. */
	flow.number = ++count->next_flow * cpus - bpf_get_smp_processor_id();
	flow.first_ns = bpf_ktime_get_ns();
	flow.is_confirmed = !!(status & IPS_CONFIRMED);
	flow.born_here = !flow.is_confirmed;
	flow.wanted = entry_wanted(ct);
	flow.nulls = nulls;
	if (bpf_map_update_elem(&flows, &key, &flow, BPF_NOEXIST) == 0)
		return true;
	if (!bpf_map_lookup_elem(&flows, &key)) /* else another CPU was faster */
		count->flows_full++;
	return false;
}

static __noinline struct flow *number_or_tell(struct nf_conn *ct, struct flow *flow, __u64 status)
{
	if (!flow) {
		number_flow(ct, status, 0);
		flow = known_flow(ct);
	}
	if (flow && flow_wanted(flow) && (status & IPS_CONFIRMED))
		tell_flow(ct, flow, 0, 0);
	return flow;
}

/* Is there nothing more to be told of it for having been met? */
static __always_inline bool is_settled(const struct flow *flow)
{
	return flow && (flow->announced || flow->wanted == WANTED_NO);
}

/*
 * What we know of a live entry; NULL for none, for templates, or when the map
 * refuses it. An entry in the table is told to user space at once, a new one
 * when it is confirmed: until then NAT may still change it.
 */
static __always_inline struct flow *flow_of(struct nf_conn *ct)
{
	struct flow *flow = known_flow(ct);

	return !ct || is_settled(flow) ? flow
				       : number_or_tell(ct, flow, BPF_CORE_READ(ct, status));
}

/*
 * The same before an entry is confirmed, where NAT decides: one that was seen to
 * begin is told when it is confirmed, and is not looked at for that here.
 */
static __always_inline struct flow *flow_deciding(struct nf_conn *ct)
{
	struct flow *flow = known_flow(ct);

	if (!ct || is_settled(flow) || (flow && flow->born_here))
		return flow;
	return number_or_tell(ct, flow, BPF_CORE_READ(ct, status));
}

#endif
