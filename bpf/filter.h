/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the filter asks for, decided before anything is reserved. Every
 * function is nothing but `return true` where its terms are absent: the
 * settings are constants to the verifier.
 *
 *   place_wanted        at a packet's first visit, before a header is read
 *   packet_matches      pcap.h, at the first visit
 *   protocol_possible   at the first visit: what no flow can make good
 *   tuple_matches       the flow's tuples, or the packet's where it has no flow
 *   entry_terms_wanted  once the entry is known
 *   hooks_wanted        at a packet's last visit
 */
#ifndef CONNTRAIL_FILTER_H
#define CONNTRAIL_FILTER_H

#define IS_LISTED(value, list, count)                                       \
	({                                                                  \
		__u32 members = (count);                                    \
		bool listed = false;                                        \
		_Pragma("unroll") for (int i = 0; i < FILTER_PLACES; i++) { \
			if (i >= members)                                   \
				break;                                      \
			if ((list)[i] == (value))                           \
				listed = true;                              \
		}                                                           \
		listed;                                                     \
	})

static __always_inline bool in_prefixes(const __u8 *address, const volatile struct filter_prefix *in,
					__u32 count)
{
	const __u64 *word = (const __u64 *)address;

#pragma unroll
	for (int i = 0; i < FILTER_ENDS; i++)
		if (i < count && (word[0] & in[i].mask[0]) == in[i].address[0] &&
		    (word[1] & in[i].mask[1]) == in[i].address[1])
			return true;
	return false;
}

static __always_inline bool in_ranges(__u16 port, const volatile struct filter_range *in, __u32 count)
{
#pragma unroll
	for (int i = 0; i < FILTER_ENDS; i++)
		if (i < count && port >= in[i].first && port <= in[i].last)
			return true;
	return false;
}

static __always_inline bool family_matches(const struct tuple *tuple)
{
	return !filter.family || filter.family == tuple->family;
}

static __always_inline bool protocol_matches(const struct tuple *tuple)
{
	__u16 any = tuple->l4proto, own = tuple->family << 8 | tuple->l4proto;

	if (!family_matches(tuple))
		return false;
	return !filter.protocols || IS_LISTED(own, filter.protocol, filter.protocols) ||
	       IS_LISTED(any, filter.protocol, filter.protocols);
}

/* A flow's protocol is that of its packets, but for ICMP errors: those belong to any flow. */
static __always_inline bool protocol_possible(const struct tuple *packet)
{
	if (!filter.by_flow || protocol_matches(packet))
		return true;
	return family_matches(packet) && !has_ports(packet->l4proto);
}

static __always_inline bool ports_match(const struct tuple *tuple)
{
	if (!filter.ports && !filter.src_ports && !filter.dst_ports)
		return true;
	if (!has_ports(tuple->l4proto)) /* an ICMP identifier is no port */
		return false;
	if (filter.src_ports && !in_ranges(tuple->src_port, filter.src_port, filter.src_ports))
		return false;
	if (filter.dst_ports && !in_ranges(tuple->dst_port, filter.dst_port, filter.dst_ports))
		return false;
	return !filter.ports || in_ranges(tuple->src_port, filter.port, filter.ports) ||
	       in_ranges(tuple->dst_port, filter.port, filter.ports);
}

/* Terms about flows, on one tuple. */
static __noinline bool tuple_matches(const struct tuple *tuple)
{
	if (!tuple)
		return false;
	if (!filter.by_flow)
		return true;
	if (!protocol_matches(tuple) || !ports_match(tuple))
		return false;
	if (filter.src_hosts && !in_prefixes(tuple->src, filter.src_host, filter.src_hosts))
		return false;
	if (filter.dst_hosts && !in_prefixes(tuple->dst, filter.dst_host, filter.dst_hosts))
		return false;
	return !filter.hosts || in_prefixes(tuple->src, filter.host, filter.hosts) ||
	       in_prefixes(tuple->dst, filter.host, filter.hosts);
}

/* By name, since an index means another interface in another namespace. */
static __always_inline bool interface_listed(struct net_device **from)
{
	__u32 ifindex, names = filter.interfaces;
	struct net_device *dev = NULL;
	__u64 name[2] = {};

	if (!from || bpf_probe_read_kernel(&dev, sizeof(dev), from) || !dev)
		return false;
	if (filter.ifindexes) {
		ifindex = BPF_CORE_READ(dev, ifindex);
		if (IS_LISTED(ifindex, filter.ifindex, filter.ifindexes))
			return true;
	}
	if (!names)
		return false;
	bpf_core_read_str(name, sizeof(name), &dev->name);
#pragma unroll
	for (int i = 0; i < FILTER_PLACES; i++) {
		if (i >= names)
			break;
		if (filter.interface[i][0] == name[0] && filter.interface[i][1] == name[1])
			return true;
	}
	return false;
}

static __always_inline bool netns_wanted(__u32 netns)
{
	return !filter.namespaces || IS_LISTED(netns, filter.netns, filter.namespaces);
}

static __always_inline bool zone_wanted(__u16 zone)
{
	return !filter.zones || IS_LISTED(zone, filter.zone, filter.zones);
}

/* `in` and `out` are where the kernel has them: read only if somebody asks. */
static __always_inline bool place_wanted(__u32 netns, __u32 mark, struct net_device **in,
					 struct net_device **out)
{
	if (!netns_wanted(netns))
		return false;
	if (filter.mark_mask && (mark & filter.mark_mask) != filter.mark)
		return false;
	if ((filter.interfaces || filter.ifindexes) && !interface_listed(in) &&
	    !interface_listed(out))
		return false;
	return true;
}

/* State, direction and zone: `ctinfo` as in a record, zone and status of the entry. */
static __always_inline bool entry_terms_wanted(__u8 ctinfo, __u16 zone, __u16 status)
{
	__u32 bit = ctinfo == CTINFO_NONE ? 8 : ctinfo & 7;
	bool has_entry = ctinfo != CTINFO_NONE && ctinfo != CTINFO_UNTRACKED;

	if (!filter.by_packet)
		return true;
	if (filter.ctinfos && !(filter.ctinfos >> bit & 1))
		return false;
	if (filter.new_only && bit == IP_CT_RELATED &&
	    (status & (IPS_EXPECTED | IPS_SEEN_REPLY)) != IPS_EXPECTED)
		return false; /* an ICMP error, or a related flow that was answered */
	return !filter.zones || (has_entry && IS_LISTED(zone, filter.zone, filter.zones));
}

/* `visited`: bit per enum nf_inet_hooks. */
static __always_inline bool hooks_wanted(__u8 visited)
{
	return !filter.hooks || (filter.hooks & visited);
}

/* Records about a flow itself: its terms hold, and a packet was seen that is wanted. */
static __always_inline bool flow_wanted(const struct flow *flow)
{
	return flow->wanted == WANTED_YES && (flow->is_met || !filter.by_packet);
}

#endif
