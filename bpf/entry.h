/* SPDX-License-Identifier: GPL-2.0 */
/* A packet and its conntrack entry: is it one of the flow's, as the entry says? */
#ifndef CONNTRAIL_ENTRY_H
#define CONNTRAIL_ENTRY_H

/* Packets RELATED to an entry (ICMP errors) have tuples of their own. */
static __always_inline bool is_related(__u64 nfct)
{
	return (nfct & NFCT_INFOMASK) == 1 || (nfct & NFCT_INFOMASK) == 4;
}

static __always_inline bool is_reply(__u64 nfct)
{
	return (nfct & NFCT_INFOMASK) >= 3;
}

static __always_inline void compare_with_entry(struct packet *packet, struct flow *flow, __u64 nfct)
{
	int reply = is_reply(nfct);

	if (is_related(nfct) || tuple_hash(&packet->came) != flow->came_hash[reply])
		return;
	packet->as_flow = 1;
	packet->left_hash = flow->left_hash[reply];
	packet->rewrites = flow->rewrites >> (reply ? 2 : 0) & 3;
	packet->entry_mark = flow->mark;
}

/*
 * What this packet decided of the entry that it makes: the nat chains that may
 * set src are at the ends of its way. One that ends before may leave that to
 * the packet that answers it, a reset for one.
 */
static __always_inline __u32 decided_here(const struct packet *packet, const struct flow *flow)
{
	__u16 decided = flow->decided;

	if (!ends_way(packet->record.hook))
		decided &= FLOW_DST_RULE | FLOW_DST_NULL;
	return (__u32)decided >> 4;
}

/* Has its status to be known: whether it is to be told of, and whether this packet makes it? */
static __always_inline bool is_open(const struct packet *packet, const struct flow *flow)
{
	return !is_settled(flow) ||
	       (flow->wanted != WANTED_NO && (!flow->hashed || packet->makes_flow));
}

static __noinline int look_at_entry(struct packet *packet, __u64 nfct)
{
	struct nf_conn *ct = entry_of(nfct);
	struct flow *flow = known_flow(ct);
	__u64 status = IPS_CONFIRMED;

	packet->nfct = nfct;
	if (!ct)
		return 0;
	if (is_open(packet, flow)) {
		if (!flow || !flow->is_confirmed)
			status = BPF_CORE_READ(ct, status);
		if (!is_settled(flow))
			flow = number_or_tell(ct, flow, status);
	}
	if (!flow)
		return 0;
	packet->record.flow = flow->number;
	if (packet->wanted != WANTED_NO)
		packet->wanted = flow->wanted;
	if (filter.by_packet && (filter.zones || filter.new_only)) {
		packet->zone = entry_zone(ct);
		packet->status = BPF_CORE_READ(ct, status);
	}
	if (packet->wanted == WANTED_NO)
		return 0;
	if (!flow->hashed || packet->makes_flow) {
		if (!(status & IPS_CONFIRMED))
			packet->makes_flow = !is_reply(nfct); /* a reset or an error of a reject is one */
		else if (!flow->hashed)
			hash_flow(ct, flow);
		if (packet->makes_flow)
			packet->record.traversal.seen |= decided_here(packet, flow) << SEEN_DECIDED;
	}
	if (flow->hashed)
		compare_with_entry(packet, flow, nfct);
	return 0;
}

/*
 * Once a packet is known to be like its confirmed entry, that stays so. One that
 * makes its entry confirms it in its last hook: before that nothing is new.
 */
static __always_inline void follow_entry(struct packet *packet, struct sk_buff *skb, bool is_last)
{
	__u64 nfct = FIELD(skb, _nfct);

	if (packet->wanted == WANTED_NO)
		return;
	if (packet->nfct == nfct && (packet->as_flow || (packet->makes_flow && !is_last)))
		return;
	look_at_entry(packet, nfct);
}

static __always_inline void note_outcome(struct packet *packet, const struct tuple *now)
{
	if (same_tuple(now, packet->is_changed ? &packet->last : &packet->came))
		return;
	packet->record.traversal.seen |= 1 << (SEEN_REWRITTEN + (packet->record.hook & 7));
	packet->is_changed = 1;
	packet->last = *now;
}

/* What the visit that ends now, at `hook`, made of the tuple. */
static __noinline int read_outcome(struct packet *packet, struct sk_buff *skb)
{
	struct tuple now;

	read_tuple(skb, packet->record.family, &now);
	note_outcome(packet, &now);
	return 0;
}

static __always_inline void note_state(struct packet *packet, __u16 status, __u8 tcp)
{
	packet->record.status = status;
	/* An ICMP error is of another protocol than its entry. */
	if (!is_related(packet->nfct) || !is_icmp(packet->record.l4proto))
		packet->record.traversal.seen |=
			(__u32)state_code(tcp, packet->record.l4proto) << SEEN_STATE;
}

/*
 * The last visit is over, or the packet: its entry's state, and its own mark.
 * Is the entry's mark another one? A frame of its own.
 */
static __noinline bool settle(struct packet *packet, struct sk_buff *skb)
{
	struct nf_conn *ct = entry_of(packet->nfct);
	struct entry_state state;

	packet->record.mark = FIELD(skb, mark);
	if (!packet->record.flow || !ct)
		return false;
	state = packet->record.l4proto == IPPROTO_TCP ? read_entry_state(ct) : read_plain_state(ct);
	note_state(packet, state.status, state.tcp);
	if (!packet->as_flow || state.mark == packet->entry_mark)
		return false;
	packet->entry_mark = state.mark;
	return true;
}

static __noinline int tell_mark(struct packet *packet)
{
	struct nf_conn *ct = entry_of(packet->nfct);
	struct flow *flow = known_flow(ct);

	if (flow && flow->mark != packet->entry_mark)
		tell_flow(ct, flow, 0, 0);
	return 0;
}

#endif
