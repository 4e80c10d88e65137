/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fragments at a hook, of either family: conntrack has them put together
 * first. All but the one that comes last end there, taken away into a queue;
 * that one's sk_buff becomes the whole packet and goes on.
 */
#ifndef CONNTRAIL_FRAGMENT_H
#define CONNTRAIL_FRAGMENT_H

#define INET_FRAG_FIRST_IN (1 << 0)
#define INET_FRAG_LAST_IN (1 << 1)

/* The fragments of one packet that have come; lengths without the IP header. */
struct inet_frag_queue {
	int len;    /* of the whole, once the last fragment has told */
	int meat;   /* bytes that have come */
	__u8 flags; /* INET_FRAG_FIRST_IN, INET_FRAG_LAST_IN */
} __attribute__((preserve_access_index));

/* With this fragment, is it whole? As ip_frag_queue() and nf_ct_frag6_queue() ask right after. */
static __always_inline bool makes_whole(struct inet_frag_queue *queue, struct sk_buff *skb,
					int offset)
{
	__u8 flags = FIELD(queue, flags) | (offset ? 0 : INET_FRAG_FIRST_IN);
	__u32 meat = FIELD(queue, meat) + FIELD(skb, len);

	return (flags & INET_FRAG_FIRST_IN) && (flags & INET_FRAG_LAST_IN) &&
	       meat == (__u32)FIELD(queue, len);
}

/* inet_frag_queue_insert(): the first fragment begins at `offset` 0. */
static __always_inline int on_fragment(struct inet_frag_queue *queue, struct sk_buff *skb,
				       int offset)
{
	struct packet *packet = packet_of(skb);

	if (!packet || !packet->record.traversal.visits || makes_whole(queue, skb, offset))
		return 0;
	if (packet->wanted == WANTED_NO) {
		turn_away(packet);
		return 0;
	}
	end_visit(packet);
	packet->record.flags &= ~PACKET_CONNTRACK_RAN; /* it will, on the whole */
	finish_packet(packet, NF_STOLEN);
	packet->record.skb = 0; /* what the queue does with it is no drop of ours */
	return 0;
}

/*
 * inet_frag_reasm_finish(): `skb` has the headers of the first fragment now,
 * and its data begin behind those of IP. What is known of it was read of the
 * fragment that came last.
 */
static __always_inline int on_whole(struct inet_frag_queue *queue, struct sk_buff *skb)
{
	struct packet *packet = packet_of(skb);
	__u64 header;

	if (!packet || !packet->record.traversal.visits || packet->wanted == WANTED_NO)
		return 0;
	header = FIELD(skb, data) - FIELD(skb, head) - FIELD(skb, network_header);
	read_tuple(skb, packet->record.family, &packet->came);
	packet->record.l4proto = packet->came.l4proto;
	packet->record.traversal.len = FIELD(queue, len) + (__u32)header;
	packet->record.flags &= ~PACKET_NO_PORTS;
	if (packet->came.no_ports)
		packet->record.flags |= PACKET_NO_PORTS;
	return 0;
}

/* The same programs with both ways to attach: they only look when the function is called. */
#ifdef CONNTRAIL_FENTRY
#define AT_ENTRY(function) SEC("fentry/" #function)
#define ENTRY_PROGRAM BPF_PROG
#else
#define AT_ENTRY(function) SEC("kprobe/" #function)
#define ENTRY_PROGRAM BPF_KPROBE
#endif

AT_ENTRY(inet_frag_queue_insert)
int ENTRY_PROGRAM(fragment, struct inet_frag_queue *queue, struct sk_buff *skb, int offset)
{
	return on_fragment(queue, skb, offset);
}

AT_ENTRY(inet_frag_reasm_finish)
int ENTRY_PROGRAM(whole, struct inet_frag_queue *queue, struct sk_buff *skb)
{
	return on_whole(queue, skb);
}

#endif
