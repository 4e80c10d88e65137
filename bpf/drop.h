/* SPDX-License-Identifier: GPL-2.0 */
/* skb:kfree_skb: a packet freed as dropped, anywhere in the stack. */
#ifndef CONNTRAIL_DROP_H
#define CONNTRAIL_DROP_H

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86DD

static __always_inline void fill_drop(struct record *record, struct sk_buff *skb, __u64 location,
				      __u32 reason)
{
	struct net_device *dev = BPF_CORE_READ(skb, dev);
	__u64 nfct = BPF_CORE_READ(skb, _nfct);
	struct nf_conn *ct = entry_of(nfct);
	struct flow *flow = known_flow(ct);

	record->skb = (__u64)skb;
	record->flow = flow ? flow->number : 0;
	record->ctinfo = ctinfo_of(nfct);
	record->status = ct ? BPF_CORE_READ(ct, status) : 0;
	record->mark = BPF_CORE_READ(skb, mark);
	record->netns = dev ? BPF_CORE_READ(dev, nd_net.net, ns.inum) : 0;
	record->verdict = NF_DROP;
	record->drop.reason = reason;
	record->drop.location_lo = location;
	record->drop.location_hi = location >> 32;
}

static __always_inline bool drop_wanted(struct sk_buff *skb, const struct tuple *tuple)
{
	struct net_device *dev = BPF_CORE_READ(skb, dev);
	__u32 netns = dev ? BPF_CORE_READ(dev, nd_net.net, ns.inum) : 0;
	__u64 nfct = BPF_CORE_READ(skb, _nfct);
	struct nf_conn *ct = entry_of(nfct);
	struct flow *flow = known_flow(ct);

	if (flow ? !(flow->matched & MATCH_TUPLE) : !tuple_matches(tuple))
		return false;
	if (!place_wanted(netns, BPF_CORE_READ(skb, mark), &skb->dev, NULL) || !packet_matches(skb))
		return false;
	return entry_terms_wanted(ctinfo_of(nfct), ct ? entry_zone(ct) : 0,
				  ct ? BPF_CORE_READ(ct, status) : 0);
}

static __always_inline int on_drop(struct sk_buff *skb, __u64 location, __u16 protocol, __u32 reason)
{
	struct counters *count = cpu_counters();
	struct record *record;
	struct tuple tuple;

	if (!count || (protocol != ETH_P_IP && protocol != ETH_P_IPV6) ||
	    current_phase() == PHASE_OFF)
		return 0;
	read_tuple(skb, protocol == ETH_P_IP ? NFPROTO_IPV4 : NFPROTO_IPV6, &tuple);
	if (is_filtering() && !drop_wanted(skb, &tuple))
		return 0;
	record = reserve(count, RECORD_DROP);
	if (!record)
		return 0;
	set_tuple(record, &tuple);
	fill_drop(record, skb, location, reason);
	submit(record);
	return 0;
}

#endif
