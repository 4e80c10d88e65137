/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NFQUEUE: a packet is handed to user space at a hook, and goes on from there
 * when the verdict comes, whenever that is and on whatever CPU. nf_queue()
 * takes it, nfqnl_reinject() lets it go on. Meanwhile it waits in `queued`.
 */
#ifndef CONNTRAIL_QUEUE_H
#define CONNTRAIL_QUEUE_H

struct nf_queue_entry {
	struct sk_buff *skb;
	struct nf_hook_state state;
} __attribute__((preserve_access_index));

/*
 * By address of the sk_buff: packets that wait for a verdict of user space,
 * which may run on another CPU, and take its time. User space sizes it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct packet);
} queued SEC(".maps");

static __always_inline void forget_queued(__u64 skb)
{
	bpf_map_delete_elem(&queued, &skb);
}

static __always_inline void was_not_queued(struct packet *packet)
{
	packet->record.traversal.seen &= ~(1 << (SEEN_QUEUED + (packet->record.hook & 7)));
	forget_queued(packet->record.skb);
}

/*
 * nf_queue() is about to hand it over. It is kept in its place, too, as the
 * queue may refuse it: then it is dropped within the call, or goes on.
 */
static __always_inline int on_queue_enter(struct sk_buff *skb)
{
	struct packet *packet = packet_of(skb);
	__u64 key = (__u64)skb;
	struct counters *count;

	if (!packet || !packet->record.traversal.visits)
		return 0;
	packet->queue = QUEUE_WAITS;
	packet->record.traversal.seen |= 1 << (SEEN_QUEUED + (packet->record.hook & 7));
	if (bpf_map_update_elem(&queued, &key, packet, BPF_ANY) == 0)
		return 0;
	packet->queue = QUEUE_NONE;
	count = cpu_counters();
	if (count)
		count->calls_full++;
	return 0;
}

/* `ret` of nf_queue(): 0 it was taken, or freed; 1 nobody listens, and the rule says: go on. */
static __always_inline int on_queue_leave(struct sk_buff *skb, int ret)
{
	struct packet *packet = packet_of(skb);

	if (!packet || packet->queue != QUEUE_WAITS)
		return 0;
	packet->queue = QUEUE_NONE;
	if (ret == 0) {
		packet->record.traversal.visits = 0;
		packet->record.skb = 0;
		return 0;
	}
	was_not_queued(packet);
	return 0;
}

/* The packet that waited takes its place on this CPU. False: it was not one of ours. */
static __always_inline bool take_back(struct packet *packet, __u64 skb, __u8 hook)
{
	struct packet *waited = bpf_map_lookup_elem(&queued, &skb);
	bool is_known;

	if (!waited)
		return false;
	is_known = waited->record.traversal.visits && waited->record.hook == hook;
	if (is_known)
		__builtin_memcpy(packet, waited, sizeof(*packet));
	forget_queued(skb);
	return is_known;
}

/*
 * nfqnl_reinject(): user space has decided. One that is not known was queued
 * before the trace began, or is one segment of what was queued whole: the next
 * hook shows it.
 */
static __always_inline int on_reinject(struct sk_buff *skb, __u8 hook)
{
	struct packet *packet = place_of((__u64)skb);

	if (!packet)
		return 0;
	make_room(packet);
	if (!take_back(packet, (__u64)skb, hook))
		return 0;
	packet->queue = QUEUE_LEFT;
	end_visit(packet);
	return 0;
}

static long tell_one_queued(void *map, const __u64 *key, struct packet *packet, void *nothing)
{
	if (!packet->record.traversal.visits)
		return 0;
	finish_packet(packet, NF_QUEUE);
	return was_last_told();
}

/* Attached to nothing: user space runs it until it returns 0. Since 5.13. */
SEC("raw_tp/tell_queued")
int tell_queued_packets(void *ctx)
{
	told_open = 0;
	bpf_for_each_map_elem(&queued, tell_one_queued, NULL, 0);
	return told_open;
}

#endif
