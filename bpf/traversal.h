/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The packets under way: each CPU keeps a few places, found by the address of
 * the sk_buff. A packet collects its visits in one; at the end of its way all
 * leave in one record. One that moves to another CPU, or has to make room,
 * leaves as parts, which user space joins.
 */
#ifndef CONNTRAIL_TRAVERSAL_H
#define CONNTRAIL_TRAVERSAL_H

#define HOOK_PREROUTING 0
#define HOOK_INPUT 1
#define HOOK_FORWARD 2
#define HOOK_OUTPUT 3
#define HOOK_POSTROUTING 4

/* Of struct packet. */
enum queue {
	QUEUE_NONE = 0,
	QUEUE_WAITS = 1, /* nf_queue() has it; what is known of it is in `queued`, too */
	QUEUE_LEFT = 2,	 /* user space has decided; no return of nf_hook_slow() follows at this hook */
};

static __always_inline bool begins_way(__u8 hook)
{
	return hook == HOOK_PREROUTING || hook == HOOK_OUTPUT;
}

static __always_inline bool ends_way(__u8 hook)
{
	return hook == HOOK_INPUT || hook == HOOK_POSTROUTING;
}

/* On every way they come in this order: prerouting or output, forward, input or postrouting. */
static __always_inline bool comes_after(__u8 hook, __u8 before)
{
	return begins_way(before) ? !begins_way(hook) : before == HOOK_FORWARD && ends_way(hook);
}

/* Of two places that a packet may have, the first is 0. NULL where this CPU has none, which cannot be. */
static __always_inline struct packet *place_at(__u64 skb, __u32 second)
{
	/* The verifier lets the lower half of a typed pointer be a number, nothing else of it. */
	__u32 place = (__u32)skb * 0x9e3779b1U >> 26; /* PACKETS_PER_CPU is 2^6 */
	__u32 index = bpf_get_smp_processor_id() * PACKETS_PER_CPU + (place ^ second);

	return bpf_map_lookup_elem(&packets, &index);
}

static __always_inline struct packet *packet_of(struct sk_buff *skb)
{
	struct packet *packet = place_at((__u64)skb, 0);

	if (packet && packet->record.skb == (__u64)skb)
		return packet;
	packet = place_at((__u64)skb, 1);
	return packet && packet->record.skb == (__u64)skb ? packet : NULL;
}

/*
 * The place for this sk_buff on this CPU, whoever is in it: its own, else a free
 * one, else that of the packet that began first. What a hook sends meanwhile, a
 * reset or SYNPROXY's packets, leaves the one it answers in its place.
 */
static __always_inline struct packet *place_of(__u64 skb)
{
	struct packet *first = place_at(skb, 0), *second;

	if (!first || first->record.skb == skb)
		return first;
	second = place_at(skb, 1);
	if (!second || second->record.skb == skb)
		return second;
	if (!first->record.traversal.visits)
		return first;
	if (!second->record.traversal.visits)
		return second;
	return first->record.traversal.started_ns < second->record.traversal.started_ns ? first
											: second;
}

static __always_inline __u32 since(const struct packet *packet, __u64 now)
{
	__u64 ns = now - packet->record.traversal.started_ns;

	return ns >> 32 ? ~0U : ns;
}

static __always_inline void send_tuple(struct counters *count, const struct packet *packet,
				       __u8 kind, const struct tuple *tuple)
{
	struct record *record = reserve(count, kind);

	if (!record)
		return;
	record->skb = packet->record.skb;
	record->flow = packet->record.flow;
	record->netns = packet->record.netns;
	set_tuple(record, tuple);
	submit(record);
}

/* Of one without an entry its own tuple decides; the other terms are about the packet. */
static __always_inline bool is_wanted(const struct packet *packet)
{
	if (packet->wanted == WANTED_NO || !hooks_wanted(packet->visited))
		return false;
	if (!entry_terms_wanted(ctinfo_of(packet->nfct), packet->zone, packet->status))
		return false;
	return packet->wanted == WANTED_YES ||
	       (in_sample(&packet->came) && tuple_matches(&packet->came));
}

/* The first wanted packet of its flow: now the flow is told, as made by it or as older. */
static __noinline int meet_flow(struct packet *packet)
{
	struct nf_conn *ct = entry_of(packet->nfct);
	struct flow *flow = known_flow(ct);
	__u32 confirm;

	if (!flow || flow->is_met || flow->number != packet->record.flow)
		return 0;
	flow->is_met = 1;
	confirm = packet->record.traversal.seen >> SEEN_CONFIRM & 3;
	if (packet->makes_flow && confirm)
		return tell_flow(ct, flow, FLOW_CONFIRM_RAN, confirm == CONFIRM_INSERTED);
	if (!packet->makes_flow)
		flow->born_here = 0;
	if (BPF_CORE_READ(ct, status) & IPS_CONFIRMED)
		tell_flow(ct, flow, 0, 0);
	return 0;
}

/*
 * The packet's visits go out: two more records go before where its tuples are
 * not what its entry says. What has left stays in its place as `visits` 0, for
 * a drop that may follow.
 */
static __always_inline void send_packet(struct counters *count, __u32 cpu,
					struct packet *packet)
{
	void *ring = bpf_map_lookup_elem(&rings, &cpu);
	struct record *record;
	__u16 flags = 0;

	if (filter.by_packet && packet->record.flow)
		meet_flow(packet);
	if (packet->as_flow)
		flags |= PACKET_CAME_AS_FLOW;
	else
		send_tuple(count, packet, RECORD_CAME, &packet->came);
	if (!packet->is_changed || same_tuple(&packet->came, &packet->last))
		flags |= PACKET_LEFT_AS_CAME;
	else if (packet->as_flow && tuple_hash(&packet->last) == packet->left_hash)
		flags |= PACKET_LEFT_AS_MAPPED;
	else
		send_tuple(count, packet, RECORD_LEFT, &packet->last);
	record = reserve_like(ring, cpu, count, RECORD_TRAVERSAL, &packet->record);
	if (!record)
		return;
	record->flags |= flags;
	record->ctinfo = ctinfo_of(packet->nfct);
	submit_to(ring, record);
}

static __noinline int finish_packet(struct packet *packet, __u8 verdict)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct counters *count = bpf_map_lookup_elem(&counters, &cpu);

	packet->record.verdict = verdict;
	if (count && is_wanted(packet))
		send_packet(count, cpu, packet);
	else if (count)
		count->filtered_out++;
	packet->record.traversal.visits = 0;
	return 0;
}

/* A packet that is not wanted is over. */
static __always_inline void turn_away(struct packet *packet)
{
	struct counters *count = cpu_counters();

	if (count)
		count->filtered_out++;
	packet->record.traversal.visits = 0;
	packet->record.skb = 0;
}

/* It has to make room, or it is seen again where it cannot be: what is known of it goes out. */
static __always_inline void finish_part(struct packet *packet)
{
	packet->record.flags |= PACKET_IS_PART;
	finish_packet(packet, NF_ACCEPT);
}

#endif
