/* SPDX-License-Identifier: GPL-2.0 */
/* skb:kfree_skb: a packet of ours freed as dropped, at a hook or later in the stack. */
#ifndef CONNTRAIL_DROP_H
#define CONNTRAIL_DROP_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* An enum as in the kernel: CO-RE finds no field whose type is of another kind. */
enum skb_drop_reason {
	SKB_NOT_DROPPED_YET = 0, /* TCP frees a segment it has used this way: no drop */
	SKB_DROP_REASON_NETFILTER_DROP = 7, /* another number on other kernels */
};

/* The tracepoint skb:kfree_skb; `reason` since 5.17. */
struct trace_event_raw_kfree_skb {
	void *skbaddr;
	void *location;
	unsigned short protocol;
	enum skb_drop_reason reason;
};

#pragma clang attribute pop

static __always_inline void send_drop(struct counters *count, const struct packet *packet,
				      __u64 location, __u32 reason)
{
	struct record *record = reserve(count, RECORD_DROP);

	if (!record)
		return;
	record->skb = packet->record.skb;
	record->flow = packet->record.flow;
	record->netns = packet->record.netns;
	record->ctinfo = ctinfo_of(packet->nfct);
	record->mark = packet->record.mark;
	record->verdict = NF_DROP;
	set_tuple(record, packet->is_changed ? &packet->last : &packet->came);
	record->reason = reason;
	record->location = location;
	submit(record);
}

/* From 6.7 on the function that drops a packet at a hook may free it itself: the reason tells. */
static __always_inline bool is_at_hook(const struct packet *packet, __u64 location, __u32 reason)
{
	if (location >= hook_slow_begin && location < hook_slow_end)
		return true;
	if (packet->queue == QUEUE_WAITS) /* the queue did not take it */
		return true;
	if (packet->queue == QUEUE_LEFT && location >= reinject_begin && location < reinject_end)
		return true;
	return bpf_core_enum_value_exists(enum skb_drop_reason, SKB_DROP_REASON_NETFILTER_DROP) &&
	       reason == bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NETFILTER_DROP);
}

/*
 * Dropped at its last hook, before nat was asked there: what is decided of the
 * source was so for another packet, a reset that answers this one.
 */
static __always_inline void forget_source(struct packet *packet)
{
	__u32 seen = packet->record.traversal.seen;
	__u8 hook = packet->record.hook & 7;

	if (!(seen >> SEEN_CONFIRM & 3) && !(seen >> (SEEN_CHAINS + hook) & 1))
		packet->record.traversal.seen =
			seen & ~((FLOW_SRC_RULE | FLOW_SRC_NULL) >> 4 << SEEN_DECIDED);
}

/* What the visit before made of it. A tracepoint's argument is a number: all of it is copied. */
static __noinline int read_last_outcome(struct packet *packet, struct sk_buff *skb)
{
	const unsigned char *head = BPF_CORE_READ(skb, head);
	struct tuple now;

	if (!packet)
		return 0;
	read_any_tuple(head, BPF_CORE_READ(skb, network_header), BPF_CORE_READ(skb, tail),
		       packet->record.family, &now);
	note_outcome(packet, &now);
	return 0;
}

/* The packet dies on its way: its visits go out as far as they went. */
static __always_inline void end_dropped(struct packet *packet, struct sk_buff *skb, __u64 location,
					__u32 reason)
{
	bool at_hook = is_at_hook(packet, location, reason);
	struct nf_conn *ct;

	if (packet->wanted != WANTED_NO)
		look_at_entry(packet, BPF_CORE_READ(skb, _nfct));
	if (packet->wanted == WANTED_NO) {
		turn_away(packet);
		return;
	}
	if (at_hook && ends_way(packet->record.hook))
		forget_source(packet);
	if (at_hook)
		end_visit(packet);
	else if (!packet->as_flow || (packet->rewrites & 1))
		read_last_outcome(packet, skb);
	if (at_hook && !packet->nfct && packet->record.traversal.visits == 1)
		packet->record.flags &= ~PACKET_CONNTRACK_RAN; /* perhaps before it came to conntrack */
	ct = entry_of(packet->nfct);
	if (packet->record.flow)
		note_state(packet, BPF_CORE_READ(ct, status), BPF_CORE_READ(ct, proto.tcp.state));
	packet->record.mark = BPF_CORE_READ(skb, mark);
	finish_packet(packet, at_hook ? NF_DROP : NF_ACCEPT);
}

/*
 * Is what is freed there no longer this packet? It has gone to another
 * namespace, or a hook took it and freed it in silence, and its memory is
 * that of one elsewhere, or of one that has no device. The device says nothing
 * at output, where it may be missing or a tunnel's, nor once a socket has the
 * packet, which keeps other things in that field. What was sent from here may
 * have none for longer (IPsec), but then has an entry; what came in may lose it
 * to a socket after prerouting, where no chain is at input.
 */
static __always_inline bool is_another(const struct packet *packet, struct sk_buff *skb)
{
	const __u8 hook = packet->record.hook;
	struct net_device *dev;

	if (hook == HOOK_OUTPUT || (hook == HOOK_INPUT && !packet->record.traversal.visits))
		return false;
	dev = BPF_CORE_READ(skb, dev);
	if (!dev)
		return hook != HOOK_PREROUTING &&
		       (packet->record.traversal.in_ifindex || !BPF_CORE_READ(skb, _nfct));
	return (__u64)BPF_CORE_READ(dev, nd_net.net) != packet->net;
}

static __always_inline int on_drop(struct sk_buff *skb, __u64 location, __u32 reason)
{
	struct packet *packet = packet_of(skb);
	struct counters *count;

	if (!packet)
		return 0;
	if (packet->queue == QUEUE_WAITS)
		was_not_queued(packet);
	if (is_another(packet, skb)) {
		make_room(packet);
		return 0;
	}
	if (packet->record.traversal.visits)
		end_dropped(packet, skb, location, reason);
	count = cpu_counters();
	if (count && is_wanted(packet))
		send_drop(count, packet, location, reason);
	packet->record.skb = 0;
	return 0;
}

#endif
