/* SPDX-License-Identifier: GPL-2.0 */
/* The tuples of an entry, and what NAT makes of a packet that comes with one. */
#ifndef CONNTRAIL_TURN_H
#define CONNTRAIL_TURN_H

static __always_inline void read_inet_addr(__u8 *to, const union nf_inet_addr *from, __u8 family)
{
	__be32 ipv4 = 0;

	if (family == 6) {
		bpf_probe_read_kernel(to, 16, from);
		return;
	}
	bpf_probe_read_kernel(&ipv4, sizeof(ipv4), from);
	map_ipv4(to, ipv4);
}

/*
 * One tuple of an entry, direction 0 original or 1 reply. struct
 * nf_conntrack_tuple keeps ports in network order; ICMP keeps the identifier
 * in src.u and type, code as two bytes in dst.u.
 */
static __always_inline void read_entry_tuple(struct nf_conn *ct, int direction, struct tuple *tuple)
{
	/* Two constant indices: only those are moved to the kernel's own element size. */
	struct nf_conntrack_tuple *from = direction ? &ct->tuplehash[1].tuple
						    : &ct->tuplehash[0].tuple;

	__builtin_memset(tuple, 0, sizeof(*tuple));
	tuple->family = BPF_CORE_READ(from, src.l3num) == NFPROTO_IPV4 ? 4 : 6;
	tuple->l4proto = BPF_CORE_READ(from, dst.protonum);
	read_inet_addr(tuple->src, __builtin_preserve_access_index(&from->src.u3), tuple->family);
	read_inet_addr(tuple->dst, __builtin_preserve_access_index(&from->dst.u3), tuple->family);
	tuple->src_port = bpf_ntohs(BPF_CORE_READ(from, src.u.all));
	tuple->dst_port = bpf_ntohs(BPF_CORE_READ(from, dst.u.all));
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
