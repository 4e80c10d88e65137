/* SPDX-License-Identifier: GPL-2.0 */
/* From a struct sk_buff to its tuple. */
#ifndef CONNTRAIL_PACKET_H
#define CONNTRAIL_PACKET_H

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
