/* SPDX-License-Identifier: GPL-2.0 */
/* nf_hook_slow(): one packet at one hook; and the hook that is last on every way. */
#ifndef CONNTRAIL_VISIT_H
#define CONNTRAIL_VISIT_H

static __always_inline bool continues(const struct packet *packet, struct sk_buff *skb,
				      struct nf_hook_state *state, __u8 hook)
{
	return packet->record.skb == (__u64)skb &&
	       packet->record.traversal.visits - 1U < MAX_VISITS - 1 &&
	       comes_after(hook, packet->record.hook) && packet->net == (__u64)FIELD(state, net);
}

static __always_inline void begin_visit(struct packet *packet, struct nf_hook_state *state, __u8 hook)
{
	packet->record.hook = hook;
	if (has_leaves) {
		packet->state = (__u64)state;
		packet->queue = QUEUE_NONE;
	}
}

/* Has a return of nf_hook_slow() told what the visit before this one made of it? */
static __always_inline bool was_seen_leaving(const struct packet *packet)
{
	return has_leaves && packet->queue != QUEUE_LEFT;
}

/* The visit before is over, which is all that tells: what became of the packet there is read now. */
static __always_inline void next_visit(struct packet *packet, struct sk_buff *skb,
				       struct nf_hook_state *state, __u8 hook)
{
	struct record *record = &packet->record;
	__u64 before;
	__u32 now;

	if (packet->wanted != WANTED_NO && !was_seen_leaving(packet))
		follow_entry(packet, skb, false);
	if (packet->wanted == WANTED_NO) {
		if (has_leaves)
			begin_visit(packet, state, hook);
		return;
	}
	now = since(packet, bpf_ktime_get_ns());
	if (has_leaves && packet->state)
		record->flags |= PACKET_IS_TORN;
	if (!was_seen_leaving(packet) && (!packet->as_flow || (packet->rewrites & 1)))
		read_outcome(packet, skb);
	begin_visit(packet, state, hook);
	if (filter.hooks)
		packet->visited |= 1 << (hook & 7);
	before = record->traversal.visits & 3; /* 1 or 2, which the verifier does not know */
	record->traversal.at[2 * before - 1] = now;
	record->traversal.hooks[before] = hook;
	record->traversal.visits = before + 1;
	if (hook != HOOK_INPUT)
		record->traversal.out_ifindex = ifindex_of(FIELD(state, out));
}

static __always_inline void end_visit(struct packet *packet)
{
	__u32 now = since(packet, bpf_ktime_get_ns());
	__u64 visits = packet->record.traversal.visits & 3; /* 1 to 3 */

	packet->state = 0;
	packet->record.traversal.at[2 * visits - 2] = now;
}

/* The packet has passed its last hook. */
static __always_inline void end_way(struct packet *packet, struct sk_buff *skb)
{
	follow_entry(packet, skb, true);
	if (packet->wanted == WANTED_NO) {
		turn_away(packet);
		return;
	}
	read_outcome(packet, skb);
	if (settle(packet, skb))
		tell_mark(packet);
	finish_packet(packet, NF_ACCEPT);
}

/*
 * br_netfilter has shown this bridged packet to prerouting, and it goes up to
 * the host: the IP stack calls its prerouting, where ip_sabotage_in() is first,
 * hands the packet on and stops the rest. That is no visit.
 */
static __always_inline bool is_handed_up(const struct packet *packet, struct sk_buff *skb,
					 struct nf_hook_state *state, __u8 hook)
{
	if (hook != HOOK_PREROUTING || packet->record.hook != HOOK_PREROUTING ||
	    !packet->record.traversal.visits || packet->record.skb != (__u64)skb ||
	    packet->net != (__u64)FIELD(state, net))
		return false;
	return bpf_core_enum_value_exists(enum skb_ext_id, SKB_EXT_BRIDGE_NF) &&
	       FIELD(skb, active_extensions) >>
			       bpf_core_enum_value(enum skb_ext_id, SKB_EXT_BRIDGE_NF) & 1;
}

/* What is still here goes out. */
static __always_inline void make_room(struct packet *packet)
{
	if (packet->record.traversal.visits)
		finish_part(packet);
	packet->record.skb = 0;
}

static __always_inline void first_visit(struct packet *packet, struct sk_buff *skb,
					struct nf_hook_state *state, __u8 pf, __u8 hook, __u16 flags)
{
	if (!is_recording())
		return;
	packet->record.hook = hook;
	packet->record.family = pf == NFPROTO_IPV4 ? 4 : 6;
	packet->record.flags = flags;
	begin_packet(packet, skb, state);
}

/* Further on: where conntrack is at work the packet has an entry. */
static __always_inline void pass_hook(struct packet *packet, struct sk_buff *skb,
				      struct nf_hook_state *state, __u8 pf, __u8 hook)
{
	if (continues(packet, skb, state, hook)) {
		next_visit(packet, skb, state, hook);
	} else {
		make_room(packet);
		if (!everywhere && !FIELD(skb, _nfct))
			return;
		first_visit(packet, skb, state, pf, hook, 0);
	}
	if (!has_leaves && hook != HOOK_FORWARD && packet->record.traversal.visits &&
	    !packet->nfct && !(packet->record.flags & PACKET_CONNTRACK_RAN))
		end_way(packet, skb); /* nobody will tell of its end */
}

static __always_inline int on_hook_enter(struct sk_buff *skb, struct nf_hook_state *state,
					 struct nf_hook_entries *entries, __u8 pf)
{
	struct packet *packet = place_of((__u64)skb);
	__u8 hook = FIELD(state, hook);

	if (!packet)
		return 0;
	if (!begins_way(hook)) {
		pass_hook(packet, skb, state, pf, hook);
		return 0;
	}
	if (is_handed_up(packet, skb, state, hook))
		return 0;
	make_room(packet);
	if (begins_tracking(entries, pf, hook))
		first_visit(packet, skb, state, pf, hook, PACKET_CONNTRACK_RAN);
	else if (everywhere)
		first_visit(packet, skb, state, pf, hook, 0);
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
	follow_entry(packet, skb, false);
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
	if (was_seen_leaving(packet))
		return 0; /* it will be */
	if (packet->wanted == WANTED_NO) {
		turn_away(packet);
		return 0;
	}
	end_visit(packet);
	end_way(packet, skb);
	return 0;
}

#endif
