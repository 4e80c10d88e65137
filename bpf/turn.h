/* SPDX-License-Identifier: GPL-2.0 */
/* The tuples of an entry, and what NAT makes of a packet that comes with one. */
#ifndef CONNTRAIL_TURN_H
#define CONNTRAIL_TURN_H

/* A union nf_inet_addr, which may stand a little behind the place it moves to. */
static __always_inline void move_address(__u64 *to, const __u32 *from, bool is_ipv4)
{
	if (is_ipv4) {
		to[1] = mapped_ipv4(from[0]);
		to[0] = 0;
	} else {
		to[0] = from[0] | (__u64)from[1] << 32;
		to[1] = from[2] | (__u64)from[3] << 32;
	}
}

/*
 * struct nf_conntrack_tuple keeps ports in network order; ICMP keeps the
 * identifier in src.u and type, code as two bytes in dst.u. A copy takes longer
 * than what is copied: the whole of it comes at once, and is put in order where
 * it stands.
 */
static __always_inline void read_kernel_tuple(struct nf_conntrack_tuple *from, struct tuple *tuple)
{
	__u32 size = bpf_core_type_size(struct nf_conntrack_tuple); /* 40 */
	__u16 src_port, dst_port;
	bool is_ipv4;
	__u8 l4proto;

	if (size > sizeof(*tuple))
		size = sizeof(*tuple);
	bpf_probe_read_kernel(tuple, size, from);
#define COPIED(type, field) ((const type *)((void *)tuple + bpf_core_field_offset(from->field)))
	is_ipv4 = *COPIED(__u16, src.l3num) == NFPROTO_IPV4;
	l4proto = *COPIED(__u8, dst.protonum);
	src_port = bpf_ntohs(*COPIED(__u16, src.u.all));
	dst_port = bpf_ntohs(*COPIED(__u16, dst.u.all));
	move_address(&tuple->words[0], COPIED(__u32, src.u3), is_ipv4);
	move_address(&tuple->words[2], COPIED(__u32, dst.u3), is_ipv4);
#undef COPIED
	tuple->words[4] = 0;
	tuple->src_port = src_port;
	tuple->dst_port = dst_port;
	tuple->l4proto = l4proto;
	tuple->family = is_ipv4 ? 4 : 6;
}

/* One tuple of an entry, direction 0 original or 1 reply. */
static __always_inline void read_entry_tuple(struct nf_conn *ct, int direction, struct tuple *tuple)
{
	/* Two constant indices: only those are moved to the kernel's own element size. */
	read_kernel_tuple(direction ? &ct->tuplehash[1].tuple : &ct->tuplehash[0].tuple, tuple);
}

static __always_inline bool is_icmp(__u8 l4proto)
{
	return l4proto == IPPROTO_ICMP || l4proto == IPPROTO_ICMPV6;
}

/* What a packet of the direction of `came` leaves with: the other direction's tuple, turned round. */
static __always_inline void turn_round(const struct tuple *other, const struct tuple *came,
				       struct tuple *left)
{
	*left = *came;
	__builtin_memcpy(left->src, other->dst, sizeof(left->src));
	__builtin_memcpy(left->dst, other->src, sizeof(left->dst));
	if (is_icmp(came->l4proto)) { /* the identifier may change, type and code do not */
		left->src_port = other->src_port;
		return;
	}
	left->src_port = other->dst_port;
	left->dst_port = other->src_port;
}

static __always_inline bool same_end(const __u8 *a, const __u8 *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	return x[0] == y[0] && x[1] == y[1];
}

/* Which ends NAT changes: bit 0 dst, bit 1 src. An ICMP identifier counts for both. */
static __always_inline __u8 changed_ends(const struct tuple *came, const struct tuple *left)
{
	bool src = came->src_port != left->src_port, dst = came->dst_port != left->dst_port;

	if (is_icmp(came->l4proto))
		dst = src;
	return (dst || !same_end(came->dst, left->dst)) |
	       (src || !same_end(came->src, left->src)) << 1;
}

#endif
