/* SPDX-License-Identifier: GPL-2.0 */
/* Headers, and what conntrack makes a tuple of in them. */
#ifndef CONNTRAIL_PROTOCOLS_H
#define CONNTRAIL_PROTOCOLS_H

#define IPPROTO_HOPOPTS 0
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_DCCP 33
#define IPPROTO_ROUTING 43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_GRE 47
#define IPPROTO_AH 51
#define IPPROTO_ICMPV6 58
#define IPPROTO_DSTOPTS 60
#define IPPROTO_SCTP 132
#define IPPROTO_UDPLITE 136

#define MAX_EXTENSIONS 6

struct ipv4_header { /* RFC 791 */
	__u8 version_ihl, tos;
	__be16 tot_len, id, frag_off;
	__u8 ttl, protocol;
	__be16 check;
	__be32 saddr, daddr;
};

struct ipv6_header { /* RFC 8200 */
	__be32 version_class_flow;
	__be16 payload_len;
	__u8 nexthdr, hop_limit;
	__u8 saddr[16], daddr[16];
};

static __always_inline void map_ipv4(__u8 *address, __be32 ipv4)
{
	address[10] = 0xff;
	address[11] = 0xff;
	__builtin_memcpy(address + 12, &ipv4, 4);
}

/* The lower half of the address that map_ipv4() makes. */
static __always_inline __u64 mapped_ipv4(__be32 ipv4)
{
	return (__u64)ipv4 << 32 | 0xffff0000;
}

/* Of an address that map_ipv4() made. */
static __always_inline __be32 ipv4_in(const __u8 *address)
{
	return *(const __be32 *)(address + 12);
}

static __always_inline bool has_ports(__u8 l4proto)
{
	return l4proto == IPPROTO_TCP || l4proto == IPPROTO_UDP || l4proto == IPPROTO_SCTP ||
	       l4proto == IPPROTO_DCCP || l4proto == IPPROTO_UDPLITE;
}

/* Messages that carry an identifier, and so the ones conntrack makes a tuple of. */
static __always_inline bool icmp_has_id(__u8 l4proto, __u8 type)
{
	if (l4proto == IPPROTO_ICMPV6)
		return type == 128 || type == 129;
	return type == 0 || type == 8 || (type >= 13 && type <= 18);
}

#define GRE_VERSION 7 /* of the second byte */
#define GRE_PPTP 1    /* as PPTP has it; others have no key that conntrack knows */

#define FIRST_BYTES 8 /* of the layer 4 header: enough for ports and for an ICMP identifier */

static __always_inline void set_ports(const __u8 *first, struct tuple *tuple)
{
	const __be16 *ports = (const __be16 *)first;

	if (has_ports(tuple->l4proto)) {
		tuple->src_port = bpf_ntohs(ports[0]);
		tuple->dst_port = bpf_ntohs(ports[1]);
	} else if (tuple->l4proto == IPPROTO_ICMP || tuple->l4proto == IPPROTO_ICMPV6) {
		if (icmp_has_id(tuple->l4proto, first[0]))
			tuple->src_port = bpf_ntohs(ports[2]);
		tuple->dst_port = first[0] << 8 | first[1];
	} else if (tuple->l4proto == IPPROTO_GRE && (first[1] & GRE_VERSION) == GRE_PPTP) {
		tuple->dst_port = bpf_ntohs(ports[3]); /* the receiver's call: RFC 2637, 4.1 */
	}
}

/* `end` is where the linear part of the packet ends, as an offset into head. */
static __always_inline void read_ports(const unsigned char *head, __u32 at, __u32 end,
				       struct tuple *tuple)
{
	__u8 first[FIRST_BYTES] = {};

	if (at + sizeof(first) > end || bpf_probe_read_kernel(first, sizeof(first), head + at))
		tuple->no_ports = 1; /* not in the linear part, or not there */
	else
		set_ports(first, tuple);
}

#endif
