/* SPDX-License-Identifier: GPL-2.0 */
/* From a struct sk_buff to its tuple. */
#ifndef CONNTRAIL_PACKET_H
#define CONNTRAIL_PACKET_H

#define IPPROTO_HOPOPTS 0
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_DCCP 33
#define IPPROTO_ROUTING 43
#define IPPROTO_FRAGMENT 44
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

#define FRAGMENT_OFFSET bpf_htons(0x1fff) /* not 0: not the first fragment */

static __always_inline void read_ipv4(const unsigned char *head, __u32 at, __u32 end,
				      struct tuple *tuple)
{
	struct ipv4_header ip = {};

	if (bpf_probe_read_kernel(&ip, sizeof(ip), head + at))
		return;
	map_ipv4(tuple->src, ip.saddr);
	map_ipv4(tuple->dst, ip.daddr);
	tuple->l4proto = ip.protocol;
	tuple->no_ports = !!(ip.frag_off & FRAGMENT_OFFSET);
	if (!tuple->no_ports)
		read_ports(head, at + (ip.version_ihl & 15) * 4, end, tuple);
}

/* Mostly one copy gives both headers. False where it does not. */
static __always_inline bool read_plain_ipv4(const unsigned char *head, __u32 at, __u32 end,
					    struct tuple *tuple)
{
	struct {
		struct ipv4_header ip;
		__u8 first[FIRST_BYTES];
	} read;

	if (at + sizeof(read) > end || bpf_probe_read_kernel(&read, sizeof(read), head + at))
		return false;
	if ((read.ip.version_ihl & 15) != 5 || (read.ip.frag_off & FRAGMENT_OFFSET))
		return false;
	tuple->words[0] = tuple->words[2] = tuple->words[4] = 0;
	tuple->words[1] = mapped_ipv4(read.ip.saddr);
	tuple->words[3] = mapped_ipv4(read.ip.daddr);
	tuple->l4proto = read.ip.protocol;
	tuple->family = 4;
	set_ports(read.first, tuple);
	return true;
}

/* Steps over one extension header; false when `*next` is the layer 4 protocol. */
static __always_inline bool skip_extension(const unsigned char *head, __u32 *at, __u8 *next,
					   struct tuple *tuple)
{
	__u8 first[4] = {};

	if (*next != IPPROTO_HOPOPTS && *next != IPPROTO_ROUTING && *next != IPPROTO_DSTOPTS &&
	    *next != IPPROTO_FRAGMENT && *next != IPPROTO_AH)
		return false;
	if (bpf_probe_read_kernel(first, sizeof(first), head + *at))
		return false;
	if (*next == IPPROTO_FRAGMENT) {
		tuple->no_ports = !!((first[2] << 8 | first[3]) & 0xfff8);
		*at += 8;
	} else if (*next == IPPROTO_AH) {
		*at += (first[1] + 2) * 4;
	} else {
		*at += (first[1] + 1) * 8;
	}
	*next = first[0];
	return true;
}

static __always_inline void read_ipv6(const unsigned char *head, __u32 at, __u32 end,
				      struct tuple *tuple)
{
	struct ipv6_header ip = {};
	__u8 next;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), head + at))
		return;
	__builtin_memcpy(tuple->src, ip.saddr, 16);
	__builtin_memcpy(tuple->dst, ip.daddr, 16);
	next = ip.nexthdr;
	at += sizeof(ip);
#pragma unroll
	for (int i = 0; i < MAX_EXTENSIONS; i++)
		if (tuple->no_ports || !skip_extension(head, &at, &next, tuple))
			break;
	tuple->l4proto = next;
	if (!tuple->no_ports)
		read_ports(head, at, end, tuple);
}

static __noinline int read_any_tuple(const unsigned char *head, __u32 at, __u32 end, __u8 family,
				     struct tuple *tuple)
{
	__builtin_memset(tuple, 0, sizeof(*tuple));
	tuple->family = family;
	if (family == 4)
		read_ipv4(head, at, end, tuple);
	else
		read_ipv6(head, at, end, tuple);
	return 0;
}

/* The tuple in the packet's own headers; what cannot be read stays zero. */
static __always_inline void read_tuple(struct sk_buff *skb, __u8 family, struct tuple *tuple)
{
	const unsigned char *head = FIELD(skb, head);
	__u32 at = FIELD(skb, network_header), end = FIELD(skb, tail);

	if (family != 4 || !read_plain_ipv4(head, at, end, tuple))
		read_any_tuple(head, at, end, family, tuple);
}

/* Where ports could not be read on both sides, the addresses decide: defragmentation is no NAT. */
static __always_inline bool same_tuple(const struct tuple *a, const struct tuple *b)
{
	const __u64 *x = a->words, *y = b->words;

	if (x[1] != y[1] || x[3] != y[3] || x[0] != y[0] || x[2] != y[2])
		return false;
	return x[4] == y[4] || a->no_ports || b->no_ports;
}

#define HASH_FACTOR 0x9e3779b97f4a7c15ULL

static __always_inline __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * HASH_FACTOR;
	return hash ^ hash >> 32;
}

/* 64 bits that tell tuples apart; all fields count, no_ports too: a fragment is like no entry's tuple. */
static __always_inline __u64 tuple_hash(const struct tuple *tuple)
{
	const __u64 *words = tuple->words;
	__u64 hash = mix(mix(mix(0, words[1]), words[3]), words[4]);

	return tuple->family == 4 ? hash : mix(mix(hash, words[0]), words[2]);
}

#endif
