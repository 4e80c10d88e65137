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

/* What the filter and the sample say of an entry: about the whole of it, once. */
static __always_inline __u8 entry_wanted(struct nf_conn *ct)
{
	struct tuple tuple;

	if (!filter.by_flow && !filter.by_packet && sample == 1)
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

static __always_inline bool is_icmp(__u8 l4proto)
{
	return l4proto == IPPROTO_ICMP || l4proto == IPPROTO_ICMPV6;
}

/* What a packet of the direction of `came` leaves with: the other direction's tuple, turned round. */
static __always_inline void turn_round(const struct tuple *other, const struct tuple *came,
				       struct tuple *left)
{
	*left = *came;
	__builtin_memcpy(left->src, other->dst, sizeof(left->src));
	__builtin_memcpy(left->dst, other->src, sizeof(left->dst));
	if (is_icmp(came->l4proto)) { /* the identifier may change, type and code do not */
		left->src_port = other->src_port;
		return;
	}
	left->src_port = other->dst_port;
	left->dst_port = other->src_port;
}

static __always_inline bool same_end(const __u8 *a, const __u8 *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	return x[0] == y[0] && x[1] == y[1];
}

/* Which ends NAT changes: bit 0 dst, bit 1 src. An ICMP identifier counts for both. */
static __always_inline __u8 changed_ends(const struct tuple *came, const struct tuple *left)
{
	bool src = came->src_port != left->src_port, dst = came->dst_port != left->dst_port;

	if (is_icmp(came->l4proto))
		dst = src;
	return (dst || !same_end(came->dst, left->dst)) |
	       (src || !same_end(came->src, left->src)) << 1;
}

/* Both tuples of a confirmed entry, as hashes: from now on a packet is told by one comparison. */
static __noinline int hash_flow(struct nf_conn *ct, struct flow *flow)
{
	struct tuple original, reply, left;

	if (!flow)
		return 0;
	read_entry_tuple(ct, 0, &original);
	read_entry_tuple(ct, 1, &reply);
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
	record->flow = number;
	record->netns = entry_netns(ct);
	record->status = BPF_CORE_READ(ct, status);
	record->mark = BPF_CORE_READ(ct, mark);
	return record;
}

static __always_inline bool announce(struct counters *count, struct nf_conn *ct,
				     const struct flow *flow, __u16 flags, __u8 verdict)
{
	struct record *record =
		reserve_entry(count, RECORD_FLOW, ct, flow->number, flags & FLOW_REPLY);

	if (!record)
		return false;
	record->first_ns = flow->first_ns;
	record->verdict = verdict;
	record->flags = flags | flow->decided | (flow->born_here ? FLOW_NEW : 0);
	record->zone = entry_zone(ct);
	record->entry = (__u64)ct;
	submit(record);
	return true;
}

/*
 * Both tuples, in two records; what could not be sent is tried again at the
 * next sight. `flags`: FLOW_CONFIRM_RAN, then with its verdict.
 */
static __noinline int tell_flow(struct nf_conn *ct, struct flow *flow, __u16 flags, __u8 verdict)
{
	struct counters *count = cpu_counters();

	if (!count || !flow)
		return 0;
	flow->mark = BPF_CORE_READ(ct, mark);
	flow->announced = announce(count, ct, flow, flags, verdict) &&
			  announce(count, ct, flow, flags | FLOW_REPLY, verdict);
	return 0;
}

static __noinline struct flow *number_flow(struct counters *count, struct nf_conn *ct, __u64 key,
						__u64 status)
{
	struct flow flow = {}, *known;

	/* Every CPU gives out numbers of its own: no counter is shared, none is given twice. */
	flow.number = ++count->next_flow * cpus - bpf_get_smp_processor_id();
	flow.first_ns = bpf_ktime_get_ns();
	flow.born_here = !(status & IPS_CONFIRMED);
	flow.wanted = entry_wanted(ct);
	if (bpf_map_update_elem(&flows, &key, &flow, BPF_NOEXIST) == 0)
		return bpf_map_lookup_elem(&flows, &key);
	known = bpf_map_lookup_elem(&flows, &key); /* another CPU was faster */
	if (!known)
		count->flows_full++;
	return known;
}

/*
 * What we know of a live entry; NULL for none, for templates, or when the map
 * refuses it. An entry in the table is told to user space at once, a new one
 * when it is confirmed: until then NAT may still change it.
 */
static __always_inline struct flow *flow_of(struct counters *count, struct nf_conn *ct)
{
	__u64 key = (__u64)ct, status;
	struct flow *flow;

	if (!ct)
		return NULL;
	flow = bpf_map_lookup_elem(&flows, &key);
	if (flow && (flow->announced || flow->wanted == WANTED_NO))
		return flow;
	status = BPF_CORE_READ(ct, status);
	if (!flow) {
		if (status & IPS_TEMPLATE)
			return NULL;
		flow = number_flow(count, ct, key, status);
	}
	if (flow && flow_wanted(flow) && (status & IPS_CONFIRMED))
		tell_flow(ct, flow, 0, 0);
	return flow;
}

/* The same without numbering it: for an entry that may be on its way out. */
static __always_inline struct flow *known_flow(struct nf_conn *ct)
{
	__u64 key = (__u64)ct;

	return ct ? bpf_map_lookup_elem(&flows, &key) : NULL;
}

#endif
