/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An entry in one copy, for records about it: what they tell stands near
 * together, from its timeout to TCP's state, and a copy takes longer than what
 * is copied. It takes much stack: whoever has one is a function of its own.
 */
#ifndef CONNTRAIL_COPIED_H
#define CONNTRAIL_COPIED_H

struct room_of_entry {
	__u64 words[29];
};

/* The timeout and the zone stand right before the tuples, which are aligned: so all is, as in the kernel. */
#define COPY_BEGINS ((__s64)bpf_core_field_offset(struct nf_conn, tuplehash) - 8)
#define TCP_STATE_AT (bpf_core_field_offset(struct nf_conn, proto.tcp.state) - COPY_BEGINS)

/*
 * The copy, as an entry of which a part is there: its fields are loaded
 * directly. The number is added to the pointer and not the other way round: then
 * the verifier of 6.1 forgets whose stack it points to.
 */
static __always_inline const struct nf_conn *copy_entry(struct nf_conn *ct,
							struct room_of_entry *room)
{
	__s64 begins = COPY_BEGINS;
	__u32 size = TCP_STATE_AT + 1;
	const void *copy = room;

	if (size > sizeof(*room))
		size = sizeof(*room);
	bpf_probe_read_kernel(room, size, (void *)ct + begins);
	asm volatile("%0 += %1" : "+r"(copy) : "r"(-begins));
	return copy;
}

static __always_inline struct entry_state copied_state(const struct nf_conn *copy,
						       struct nf_conn *ct)
{
	bool has_tcp = TCP_STATE_AT < sizeof(struct room_of_entry); /* else the kernel is built otherwise */

	return (struct entry_state){ copy->mark, copy->status,
				     has_tcp ? copy->proto.tcp.state
					     : BPF_CORE_READ(ct, proto.tcp.state) };
}

static __always_inline __u32 copied_zone(const struct nf_conn *copy)
{
	return copy->zone.id | (__u32)copy->zone.dir << 16;
}

/* An entry stays in its namespace: that is looked up once. */
static __always_inline __u32 netns_of(struct flow *flow, const struct nf_conn *copy)
{
	struct net *net = copy->ct_net.net;

	if (!flow->netns)
		flow->netns = BPF_CORE_READ(net, ns.inum);
	return flow->netns;
}

/* Two constant indices: only those are moved to the kernel's own element size. */
#define OF_TUPLE(copy, direction, field)                                                           \
	((direction) ? (copy)->tuplehash[1].tuple.field : (copy)->tuplehash[0].tuple.field)

static __always_inline bool is_ipv4_entry(const struct nf_conn *copy)
{
	return OF_TUPLE(copy, 0, src.l3num) == NFPROTO_IPV4;
}

static __always_inline void set_addresses_of(struct record *record, const struct nf_conn *copy,
					     int direction)
{
	__u64 *to = (__u64 *)record->src;

	if (is_ipv4_entry(copy)) {
		to[1] = mapped_ipv4(OF_TUPLE(copy, direction, src.u3.all[0]));
		to[3] = mapped_ipv4(OF_TUPLE(copy, direction, dst.u3.all[0]));
		return;
	}
	to[0] = OF_TUPLE(copy, direction, src.u3.all[0]) |
		(__u64)OF_TUPLE(copy, direction, src.u3.all[1]) << 32;
	to[1] = OF_TUPLE(copy, direction, src.u3.all[2]) |
		(__u64)OF_TUPLE(copy, direction, src.u3.all[3]) << 32;
	to[2] = OF_TUPLE(copy, direction, dst.u3.all[0]) |
		(__u64)OF_TUPLE(copy, direction, dst.u3.all[1]) << 32;
	to[3] = OF_TUPLE(copy, direction, dst.u3.all[2]) |
		(__u64)OF_TUPLE(copy, direction, dst.u3.all[3]) << 32;
}

/* What all records about an entry say of it, with one of its tuples but for the addresses. */
static __always_inline void describe_copied(struct record *record, struct flow *flow,
					    const struct nf_conn *copy,
					    const struct entry_state *state, int direction)
{
	record->src_port = bpf_ntohs(OF_TUPLE(copy, direction, src.u.all));
	record->dst_port = bpf_ntohs(OF_TUPLE(copy, direction, dst.u.all));
	record->l4proto = OF_TUPLE(copy, direction, dst.protonum);
	record->family = is_ipv4_entry(copy) ? 4 : 6;
	record->flow = flow->number;
	record->netns = netns_of(flow, copy);
	record->status = state->status;
	record->state = state_code(state->tcp, record->l4proto);
	record->mark = state->mark;
}

#endif
