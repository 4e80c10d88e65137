/* SPDX-License-Identifier: GPL-2.0 */
/* From a struct nf_conn to its number; a flow seen for the first time is told to user space. */
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

static __always_inline __u32 entry_netns(struct nf_conn *ct)
{
	return BPF_CORE_READ(ct, ct_net.net, ns.inum);
}

static __always_inline __u32 entry_zone(struct nf_conn *ct)
{
	struct nf_conntrack_zone zone = {};

	bpf_core_read(&zone.id, sizeof(zone.id), &ct->zone.id);
	bpf_core_read(&zone.dir, sizeof(zone.dir), &ct->zone.dir);
	return zone.id | (__u32)zone.dir << 16;
}

static __always_inline void read_inet_addr(__u8 *to, const union nf_inet_addr *from, __u8 family)
{
	__be32 ipv4 = 0;

	if (family == 6) {
		bpf_probe_read_kernel(to, 16, from);
		return;
	}
	bpf_probe_read_kernel(&ipv4, sizeof(ipv4), from);
	map_ipv4(to, ipv4);
}

/*
 * One tuple of an entry, direction 0 original or 1 reply. struct
 * nf_conntrack_tuple keeps ports in network order; ICMP keeps the identifier
 * in src.u and type, code as two bytes in dst.u.
 */
static __always_inline void read_entry_tuple(struct nf_conn *ct, int direction, struct tuple *tuple)
{
	/* Two constant indices: only those are moved to the kernel's own element size. */
	struct nf_conntrack_tuple *from = direction ? &ct->tuplehash[1].tuple
						    : &ct->tuplehash[0].tuple;

	__builtin_memset(tuple, 0, sizeof(*tuple));
	tuple->family = BPF_CORE_READ(from, src.l3num) == NFPROTO_IPV4 ? 4 : 6;
	tuple->l4proto = BPF_CORE_READ(from, dst.protonum);
	read_inet_addr(tuple->src, __builtin_preserve_access_index(&from->src.u3), tuple->family);
	read_inet_addr(tuple->dst, __builtin_preserve_access_index(&from->dst.u3), tuple->family);
	tuple->src_port = bpf_ntohs(BPF_CORE_READ(from, src.u.all));
	tuple->dst_port = bpf_ntohs(BPF_CORE_READ(from, dst.u.all));
}

static __always_inline bool entry_matches(struct nf_conn *ct)
{
	struct tuple tuple;

	if (!filter.by_flow)
		return true;
	read_entry_tuple(ct, 0, &tuple);
	if (tuple_matches(&tuple))
		return true;
	read_entry_tuple(ct, 1, &tuple);
	return tuple_matches(&tuple);
}

static __always_inline void fill_entry(struct record *record, struct nf_conn *ct, __u64 number)
{
	record->flow = number;
	record->netns = entry_netns(ct);
	record->status = BPF_CORE_READ(ct, status);
	record->mark = BPF_CORE_READ(ct, mark);
}

/* A record about an entry as such, with one of its tuples. */
static __always_inline struct record *reserve_entry(struct counters *count, __u8 kind,
						    struct nf_conn *ct, __u64 number, int direction)
{
	struct record *record = reserve(count, kind);
	struct tuple tuple;

	if (!record)
		return NULL;
	read_entry_tuple(ct, direction, &tuple);
	set_tuple(record, &tuple);
	fill_entry(record, ct, number);
	return record;
}

static __always_inline bool announce(struct counters *count, struct nf_conn *ct,
				     const struct flow *flow, int direction)
{
	struct record *record = reserve_entry(count, RECORD_FLOW, ct, flow->number, direction);

	if (!record)
		return false;
	record->flags = (direction ? FLOW_REPLY : 0) | (flow->born_here ? FLOW_NEW : 0);
	record->flow_at.zone = entry_zone(ct);
	record->flow_at.entry_lo = (__u64)ct;
	record->flow_at.entry_hi = (__u64)ct >> 32;
	submit(record);
	return true;
}

/* Both tuples, in two records; what could not be sent is tried again at the next sight. */
static __noinline int tell_flow(struct nf_conn *ct, struct flow *flow)
{
	struct counters *count = cpu_counters();

	if (!count || !flow)
		return 0;
	flow->mark = BPF_CORE_READ(ct, mark);
	flow->announced = announce(count, ct, flow, 0) && announce(count, ct, flow, 1);
	return 0;
}

static __always_inline struct flow *number_flow(struct counters *count, struct nf_conn *ct, __u64 key)
{
	struct flow flow = {}, *known;

	/* Every CPU gives out numbers of its own: no counter is shared, none is given twice. */
	flow.number = ++count->next_flow * cpus - bpf_get_smp_processor_id();
	flow.born_here = !(BPF_CORE_READ(ct, status) & IPS_CONFIRMED);
	flow.matched = (entry_matches(ct) ? MATCH_TUPLE : 0) | (filter.by_packet ? 0 : MATCH_PACKET);
	if (bpf_map_update_elem(&flows, &key, &flow, BPF_NOEXIST) == 0)
		return bpf_map_lookup_elem(&flows, &key);
	known = bpf_map_lookup_elem(&flows, &key); /* another CPU was faster */
	if (!known)
		count->flows_full++;
	return known;
}

/* What we know of a live entry; NULL for none, for templates, or when the map refuses it. */
static __always_inline struct flow *flow_of(struct counters *count, struct nf_conn *ct)
{
	__u64 key = (__u64)ct;
	struct flow *flow;

	if (!ct)
		return NULL;
	flow = bpf_map_lookup_elem(&flows, &key);
	if (!flow) {
		if (BPF_CORE_READ(ct, status) & IPS_TEMPLATE)
			return NULL;
		flow = number_flow(count, ct, key);
	}
	if (flow && flow_wanted(flow) && !flow->announced)
		tell_flow(ct, flow);
	return flow;
}

/* A packet of the flow is wanted: from here on the flow is told. */
static __always_inline void meet_flow(struct nf_conn *ct, struct flow *flow)
{
	if (flow->matched & MATCH_PACKET)
		return;
	if (BPF_CORE_READ(ct, status) & (IPS_CONFIRMED | IPS_NAT_DONE))
		flow->born_here = 0; /* what was decided before is not told */
	flow->matched |= MATCH_PACKET;
	if (flow_wanted(flow))
		tell_flow(ct, flow);
}

/* The same without numbering it: for an entry that may be on its way out. */
static __always_inline struct flow *known_flow(struct nf_conn *ct)
{
	__u64 key = (__u64)ct;

	return ct ? bpf_map_lookup_elem(&flows, &key) : NULL;
}

/* Inside a visit: where packets are filtered, a wanted one has numbered it by now. */
static __always_inline struct flow *visited_flow(struct counters *count, struct nf_conn *ct)
{
	return filter.by_packet ? known_flow(ct) : flow_of(count, ct);
}

#endif
