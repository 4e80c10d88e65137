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

static __always_inline bool begins_way(__u8 hook)
{
	return hook == HOOK_PREROUTING || hook == HOOK_OUTPUT;
}

static __always_inline bool ends_way(__u8 hook)
{
	return hook == HOOK_INPUT || hook == HOOK_POSTROUTING;
}

/*
 * The place for this sk_buff on this CPU, whoever is in it. The verifier lets
 * the lower half of a typed pointer be a number, nothing else of it.
 */
static __always_inline struct packet *place_of(__u64 skb)
{
	__u32 place = (__u32)skb * 0x9e3779b1U >> 26; /* PACKETS_PER_CPU is 2^6 */
	__u32 index = bpf_get_smp_processor_id() * PACKETS_PER_CPU + place;

	return bpf_map_lookup_elem(&packets, &index);
}

static __always_inline struct packet *packet_of(struct sk_buff *skb)
{
	struct packet *packet = place_of((__u64)skb);

	return packet && packet->skb == (__u64)skb ? packet : NULL;
}

static __always_inline __u32 since(const struct packet *packet, __u64 now)
{
	__u64 ns = now - packet->started_ns;

	return ns >> 32 ? ~0U : ns;
}

static __always_inline void send_tuple(struct counters *count, const struct packet *packet,
				       __u8 kind, const struct tuple *tuple)
{
	struct record *record = reserve(count, kind);

	if (!record)
		return;
	record->skb = packet->skb;
	record->flow = packet->flow;
	record->netns = packet->netns;
	set_tuple(record, tuple);
	submit(record);
}

static __always_inline void fill_traversal(struct record *record, const struct packet *packet)
{
	record->skb = packet->skb;
	record->flow = packet->flow;
	record->netns = packet->netns;
	record->hook = packet->hook;
	record->family = packet->came.family;
	record->l4proto = packet->came.l4proto;
	record->ctinfo = ctinfo_of(packet->nfct);
	record->mark = packet->mark;
	record->flags = packet->flags;
	record->traversal.started_ns = packet->started_ns;
	record->traversal.visits = packet->visits;
	__builtin_memcpy(record->traversal.hooks, packet->hooks, sizeof(packet->hooks));
	__builtin_memcpy(record->traversal.at, packet->at, sizeof(packet->at));
	record->traversal.seen = packet->seen;
	record->traversal.len = packet->len;
	record->traversal.in_ifindex = packet->in_ifindex;
	record->traversal.out_ifindex = packet->out_ifindex;
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

	if (!flow || flow->is_met || flow->number != packet->flow)
		return 0;
	flow->is_met = 1;
	confirm = packet->seen >> SEEN_CONFIRM & 3;
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
static __always_inline void send_packet(struct counters *count, struct packet *packet, __u8 verdict,
					__u16 status)
{
	bool is_changed = !same_tuple(&packet->came, &packet->last);
	struct record *record;

	if (filter.by_packet && packet->flow)
		meet_flow(packet);
	if (packet->as_flow)
		packet->flags |= PACKET_CAME_AS_FLOW;
	else
		send_tuple(count, packet, RECORD_CAME, &packet->came);
	if (!is_changed)
		packet->flags |= PACKET_LEFT_AS_CAME;
	else if (packet->as_flow && tuple_hash(&packet->last) == packet->left_hash)
		packet->flags |= PACKET_LEFT_AS_MAPPED;
	else
		send_tuple(count, packet, RECORD_LEFT, &packet->last);
	record = reserve(count, RECORD_TRAVERSAL);
	if (!record)
		return;
	fill_traversal(record, packet);
	record->verdict = verdict;
	record->status = status;
	submit(record);
}

static __noinline int finish_packet(struct packet *packet, __u8 verdict, __u16 status)
{
	struct counters *count = cpu_counters();

	if (!count || !packet || !packet->visits)
		return 0;
	if (is_wanted(packet))
		send_packet(count, packet, verdict, status);
	else
		count->filtered_out++;
	packet->visits = 0;
	return 0;
}

/* It has to make room, or it is seen again where it cannot be: what is known of it goes out. */
static __always_inline void finish_part(struct packet *packet)
{
	packet->flags |= PACKET_IS_PART;
	finish_packet(packet, NF_ACCEPT, 0);
}

#endif
