/* SPDX-License-Identifier: GPL-2.0 */
/* nf_hook_slow(): one packet at one hook; and the hook that is last on every way. */
#ifndef CONNTRAIL_VISIT_H
#define CONNTRAIL_VISIT_H

static __always_inline __u32 ifindex_of(struct net_device *dev)
{
	return dev ? FIELD(dev, ifindex) : 0;
}

static __always_inline bool continues(const struct packet *packet, struct sk_buff *skb,
				      struct nf_hook_state *state, __u8 hook)
{
	return packet->record.skb == (__u64)skb && packet->next_hooks >> (hook & 7) & 1 &&
	       packet->record.traversal.visits < MAX_VISITS &&
	       packet->net == (__u64)FIELD(state, net);
}

static __always_inline void begin_visit(struct packet *packet, struct nf_hook_state *state, __u8 hook)
{
	packet->record.hook = hook;
	packet->next_hooks = hooks_after(hook);
	if (has_leaves)
		packet->state = (__u64)state;
}

/* The fields that say where it is and what it is; false where it is turned away by them. */
static __always_inline bool identify(struct packet *packet, struct sk_buff *skb,
				     struct nf_hook_state *state, __u8 pf, __u8 hook)
{
	struct net *net = FIELD(state, net);

	packet->record.skb = (__u64)skb;
	packet->record.netns = FIELD(net, ns.inum);
	packet->record.mark = FIELD(skb, mark);
	packet->record.traversal.visits = 1;
	packet->net = (__u64)net;
	packet->visited = 1 << (hook & 7);
	begin_visit(packet, state, hook);
	packet->wanted = WANTED_NO;
	if (!place_wanted(packet->record.netns, packet->record.mark, &state->in, &state->out) ||
	    !packet_matches(skb))
		return false;
	read_tuple(skb, pf == NFPROTO_IPV4 ? 4 : 6, &packet->came);
	if (!protocol_possible(&packet->came))
		return false;
	packet->wanted = WANTED_UNKNOWN;
	return true;
}

static __always_inline void begin_packet(struct packet *packet, struct sk_buff *skb,
					 struct nf_hook_state *state, __u8 hook, bool is_tracked)
{
	struct record *record = &packet->record;

	packet->nfct = FIELD(skb, _nfct);
	packet->zone = packet->status = 0;
	packet->as_flow = packet->rewrites = packet->makes_flow = packet->is_changed = 0;
	record->flow = 0;
	record->family = packet->came.family;
	record->l4proto = packet->came.l4proto;
	record->status = 0;
	record->flags = (packet->nfct ? PACKET_HAD_ENTRY : 0) |
			(is_tracked && begins_way(hook) ? PACKET_CONNTRACK_RAN : 0) |
			(packet->came.no_ports ? PACKET_NO_PORTS : 0);
	record->traversal.started_ns = bpf_ktime_get_ns();
	record->traversal.hooks[0] = hook;
	record->traversal.hooks[1] = record->traversal.hooks[2] = 0;
	__builtin_memset(record->traversal.at, 0, sizeof(record->traversal.at));
	record->traversal.seen = 0;
	record->traversal.len = FIELD(skb, len);
	record->traversal.in_ifindex = ifindex_of(FIELD(state, in));
	record->traversal.out_ifindex = ifindex_of(FIELD(state, out));
}

/* The visit before is over, which is all that tells: what became of the packet there is read now. */
static __always_inline void next_visit(struct packet *packet, struct sk_buff *skb,
				       struct nf_hook_state *state, __u8 hook)
{
	struct record *record = &packet->record;
	__u32 now;

	if (!has_leaves)
		follow_entry(packet, skb);
	if (packet->wanted == WANTED_NO)
		return;
	now = since(packet, bpf_ktime_get_ns());
	if (has_leaves) {
		if (packet->state)
			record->flags |= PACKET_IS_TORN;
	} else if (!packet->as_flow || (packet->rewrites & 1)) {
		read_outcome(packet, skb);
	}
	begin_visit(packet, state, hook);
	packet->visited |= 1 << (hook & 7);
	if (record->traversal.visits == 1) {
		record->traversal.at[1] = now;
		record->traversal.hooks[1] = hook;
		record->traversal.visits = 2;
	} else {
		record->traversal.at[3] = now;
		record->traversal.hooks[2] = hook;
		record->traversal.visits = 3;
	}
	if (hook != HOOK_INPUT)
		record->traversal.out_ifindex = ifindex_of(FIELD(state, out));
}

static __always_inline void end_visit(struct packet *packet)
{
	__u32 now = since(packet, bpf_ktime_get_ns());

	packet->state = 0;
	if (packet->record.traversal.visits == 1)
		packet->record.traversal.at[0] = now;
	else if (packet->record.traversal.visits == 2)
		packet->record.traversal.at[2] = now;
	else
		packet->record.traversal.at[4] = now;
}

/* The packet has passed its last hook. */
static __always_inline void end_way(struct packet *packet, struct sk_buff *skb)
{
	follow_entry(packet, skb);
	if (packet->wanted == WANTED_NO) {
		turn_away(packet);
		return;
	}
	read_outcome(packet, skb);
	settle(packet, skb);
	finish_packet(packet, NF_ACCEPT);
}

static __always_inline int on_hook_enter(struct sk_buff *skb, struct nf_hook_state *state,
					 struct nf_hook_entries *entries, __u8 pf)
{
	struct packet *packet = place_of((__u64)skb);
	__u8 hook = FIELD(state, hook);
	bool is_tracked;

	if (!packet)
		return 0;
	if (packet->record.traversal.visits && continues(packet, skb, state, hook)) {
		if (packet->wanted == WANTED_NO) {
			if (has_leaves)
				begin_visit(packet, state, hook);
			return 0;
		}
		next_visit(packet, skb, state, hook);
	} else {
		if (packet->record.traversal.visits)
			finish_part(packet);
		packet->record.skb = 0;
		is_tracked = has_conntrack(entries, pf, hook, skb);
		if ((!is_tracked && !everywhere) || !is_recording())
			return 0;
		if (!identify(packet, skb, state, pf, hook))
			return 0;
		begin_packet(packet, skb, state, hook, is_tracked);
	}
	if (!has_leaves && ends_way(hook) && !packet->nfct &&
	    !(packet->record.flags & PACKET_CONNTRACK_RAN))
		end_way(packet, skb); /* nobody will tell of its end */
	return 0;
}

/* `ret` of nf_hook_slow(): 1 go on, negative dropped, 0 stolen or queued. */
static __always_inline int on_hook_leave(struct sk_buff *skb, struct nf_hook_state *state, int ret)
{
	struct packet *packet = packet_of(skb);

	if (!packet || !packet->record.traversal.visits || packet->state != (__u64)state)
		return 0; /* dropped: that has told already */
	end_visit(packet);
	if (ret != 1) {
		finish_packet(packet, ret < 0 ? NF_DROP : NF_STOLEN);
		return 0;
	}
	if (ends_way(packet->record.hook)) {
		end_way(packet, skb);
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

	if (!packet || !packet->record.traversal.visits || ret != NF_ACCEPT)
		return 0; /* a drop follows, and tells */
	if (packet->wanted != WANTED_NO)
		end_visit(packet);
	end_way(packet, skb);
	return 0;
}

#endif
