/* SPDX-License-Identifier: GPL-2.0 */
/* A packet at its first hook: what is read of it, and whether it is wanted at all. */
#ifndef CONNTRAIL_BEGIN_H
#define CONNTRAIL_BEGIN_H

static __always_inline __u32 ifindex_of(struct net_device *dev)
{
	return dev ? FIELD(dev, ifindex) : 0;
}

/* skb->len, and of what the device or GRO put together how many segments it is. */
static __always_inline __u32 length_of(struct sk_buff *skb)
{
	__u32 len = FIELD(skb, len), segments;
	struct skb_shared_info *shared;

	if (len <= PLAIN_BYTES)
		return len;
	shared = (void *)FIELD(skb, head) + FIELD(skb, end);
	segments = BPF_CORE_READ(shared, gso_segs);
	if (segments > MOST_SEGMENTS)
		segments = MOST_SEGMENTS;
	return (len & LENGTH_MASK) | (segments > 1 ? segments << LENGTH_BITS : 0);
}

/* Where and what it is; false where that turns it away. */
static __always_inline bool identify(struct packet *packet, struct sk_buff *skb,
				     struct nf_hook_state *state)
{
	struct net *net = FIELD(state, net);

	packet->net = (__u64)net;
	packet->nfct = FIELD(skb, _nfct);
	packet->record.skb = (__u64)skb;
	packet->record.traversal.visits = 1;
	packet->wanted = WANTED_NO;
	if (filter.by_packet &&
	    (!place_wanted(FIELD(net, ns.inum), FIELD(skb, mark), &state->in, &state->out) ||
	     !packet_matches(skb)))
		return false;
	read_tuple(skb, packet->record.family, &packet->came);
	if (!protocol_possible(&packet->came))
		return false;
	packet->wanted = WANTED_UNKNOWN;
	packet->record.netns = FIELD(net, ns.inum);
	packet->record.mark = FIELD(skb, mark);
	return true;
}

/* Its family, first hook and PACKET_CONNTRACK_RAN are in its record. */
static __noinline int begin_packet(struct packet *packet, struct sk_buff *skb,
				   struct nf_hook_state *state)
{
	struct record *record = &packet->record;

	if (has_leaves)
		packet->state = (__u64)state;
	if (!identify(packet, skb, state))
		return 0;
	if (packet->nfct)
		record->flags |= PACKET_HAD_ENTRY;
	if (packet->came.no_ports)
		record->flags |= PACKET_NO_PORTS;
	packet->zone = packet->status = 0;
	packet->as_flow = packet->rewrites = packet->makes_flow = packet->is_changed = 0;
	packet->queue = QUEUE_NONE;
	if (filter.hooks)
		packet->visited = 1 << (record->hook & 7);
	record->flow = 0;
	record->l4proto = packet->came.l4proto;
	record->status = 0;
	record->traversal.started_ns = bpf_ktime_get_ns();
	record->traversal.hooks[0] = record->hook;
	record->traversal.hooks[1] = record->traversal.hooks[2] = 0;
	__builtin_memset(record->traversal.at, 0, sizeof(record->traversal.at));
	record->traversal.seen = 0;
	record->traversal.len = length_of(skb);
	record->traversal.in_ifindex = ifindex_of(FIELD(state, in));
	record->traversal.out_ifindex = ifindex_of(FIELD(state, out));
	return 0;
}

#endif
