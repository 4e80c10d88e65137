/* SPDX-License-Identifier: GPL-2.0 */
/* nf_hook_slow(): one packet at one hook; and the hook that is last on every way. */
#ifndef CONNTRAIL_VISIT_H
#define CONNTRAIL_VISIT_H

static __always_inline __u32 ifindex_of(struct net_device *dev)
{
	return dev ? FIELD(dev, ifindex) : 0;
}

/* Hooks come in this order on every way: prerouting or output, forward, input or postrouting. */
static __always_inline int rank_of(__u8 hook)
{
	return 0x218 >> 2 * (hook & 7) & 3;
}

static __always_inline bool continues(const struct packet *packet, __u64 net, __u8 hook)
{
	return packet->visits && packet->visits < MAX_VISITS && packet->net == net &&
	       rank_of(hook) > rank_of(packet->hook);
}

static __always_inline void begin_packet(struct packet *packet, struct sk_buff *skb,
					 struct nf_hook_state *state, __u8 hook, bool is_tracked)
{
	struct net *net = FIELD(state, net);

	packet->skb = (__u64)skb;
	packet->net = (__u64)net;
	packet->hook = hook;
	packet->visits = 1;
	packet->visited = 1 << (hook & 7);
	packet->netns = FIELD(net, ns.inum);
	packet->mark = FIELD(skb, mark);
	packet->wanted = WANTED_NO;
	if (!place_wanted(packet->netns, packet->mark, &state->in, &state->out) ||
	    !packet_matches(skb))
		return;
	packet->wanted = WANTED_UNKNOWN;
	packet->state = (__u64)state;
	packet->nfct = FIELD(skb, _nfct);
	packet->flow = 0;
	packet->started_ns = bpf_ktime_get_ns();
	__builtin_memset(packet->at, 0, sizeof(packet->at));
	packet->len = FIELD(skb, len);
	packet->zone = packet->status = 0;
	packet->in_ifindex = ifindex_of(FIELD(state, in));
	packet->out_ifindex = ifindex_of(FIELD(state, out));
	packet->seen = 0;
	packet->flags = (packet->nfct ? PACKET_HAD_ENTRY : 0) |
			(is_tracked && begins_way(hook) ? PACKET_CONNTRACK_RAN : 0);
	packet->hooks[0] = hook;
	packet->hooks[1] = packet->hooks[2] = 0;
	packet->as_flow = packet->rewrites = packet->makes_flow = 0;
	read_tuple(skb, FIELD(state, pf), &packet->came);
	packet->last = packet->came;
	if (packet->came.no_ports)
		packet->flags |= PACKET_NO_PORTS;
}

/* The visit before is over, which is all that tells: what became of the packet there is read now. */
static __always_inline void next_visit(struct packet *packet, struct sk_buff *skb,
				       struct nf_hook_state *state, __u8 hook)
{
	__u32 now = since(packet, bpf_ktime_get_ns());

	if (!has_leaves) {
		follow_entry(packet, skb);
		if (packet->wanted == WANTED_NO)
			return;
		if (!packet->as_flow || (packet->rewrites & 1))
			read_outcome(packet, skb);
	} else if (packet->state) {
		packet->flags |= PACKET_IS_TORN;
	}
	packet->state = (__u64)state;
	packet->hook = hook;
	packet->visited |= 1 << (hook & 7);
	if (packet->visits == 1) {
		packet->at[1] = now;
		packet->hooks[1] = hook;
		packet->visits = 2;
	} else {
		packet->at[3] = now;
		packet->hooks[2] = hook;
		packet->visits = 3;
	}
	if (hook != HOOK_INPUT)
		packet->out_ifindex = ifindex_of(FIELD(state, out));
}

static __always_inline void end_visit(struct packet *packet)
{
	__u32 now = since(packet, bpf_ktime_get_ns());

	packet->state = 0;
	if (packet->visits == 1)
		packet->at[0] = now;
	else if (packet->visits == 2)
		packet->at[2] = now;
	else
		packet->at[4] = now;
}

/* The packet has passed its last hook. */
static __always_inline void end_way(struct packet *packet, struct sk_buff *skb, __u8 verdict)
{
	__u16 status;

	follow_entry(packet, skb);
	if (packet->wanted == WANTED_NO) {
		finish_packet(packet, verdict, 0);
		return;
	}
	read_outcome(packet, skb);
	status = settle(packet, skb);
	finish_packet(packet, verdict, status);
}

static __always_inline int on_hook_enter(struct sk_buff *skb, struct nf_hook_state *state,
					 struct nf_hook_entries *entries)
{
	struct packet *packet = place_of((__u64)skb);
	__u8 hook = FIELD(state, hook);
	bool is_tracked;

	if (!packet)
		return 0;
	if (packet->skb == (__u64)skb && continues(packet, (__u64)FIELD(state, net), hook)) {
		if (packet->wanted == WANTED_NO)
			return 0;
		next_visit(packet, skb, state, hook);
	} else {
		if (packet->visits)
			finish_part(packet);
		packet->skb = 0;
		is_tracked = has_conntrack(entries, hook, FIELD(skb, _nfct));
		if ((!is_tracked && !everywhere) || !is_recording())
			return 0;
		begin_packet(packet, skb, state, hook, is_tracked);
	}
	if (!has_leaves && ends_way(hook) && !packet->nfct &&
	    !(packet->flags & PACKET_CONNTRACK_RAN))
		end_way(packet, skb, NF_ACCEPT); /* nobody will tell of its end */
	return 0;
}

/* `ret` of nf_hook_slow(): 1 go on, negative dropped, 0 stolen or queued. */
static __always_inline int on_hook_leave(struct sk_buff *skb, struct nf_hook_state *state, int ret)
{
	struct packet *packet = packet_of(skb);

	if (!packet || !packet->visits || packet->state != (__u64)state)
		return 0; /* dropped: that has told already */
	end_visit(packet);
	if (ret != 1) {
		finish_packet(packet, ret < 0 ? NF_DROP : NF_STOLEN, 0);
		return 0;
	}
	if (ends_way(packet->hook)) {
		end_way(packet, skb, NF_ACCEPT);
		return 0;
	}
	follow_entry(packet, skb);
	if (packet->wanted != WANTED_NO && (!packet->as_flow || (packet->rewrites & 1)))
		read_outcome(packet, skb);
	return 0;
}

/* ipv4_confirm(), ipv6_confirm(), nf_confirm(): the last function of the last hook. */
static __always_inline int on_last_hook(struct sk_buff *skb, int ret)
{
	struct packet *packet = packet_of(skb);

	if (!packet || !packet->visits || ret != NF_ACCEPT)
		return 0; /* a drop follows, and tells */
	if (packet->wanted != WANTED_NO)
		end_visit(packet);
	end_way(packet, skb, NF_ACCEPT);
	return 0;
}

#endif
