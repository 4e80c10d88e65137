/* SPDX-License-Identifier: GPL-2.0 */
/* What --filter asks for, decided before anything is reserved. */
#ifndef CONNTRAIL_FILTER_H
#define CONNTRAIL_FILTER_H

static __always_inline bool in_prefix(const __u8 *address, const volatile __u8 *prefix,
				      const volatile __u8 *mask)
{
#pragma unroll
	for (int i = 0; i < 16; i++)
		if ((address[i] & mask[i]) != prefix[i])
			return false;
	return true;
}

static __always_inline bool ports_match(const struct tuple *tuple)
{
	if (!filter.port && !filter.src_port && !filter.dst_port)
		return true;
	if (!has_ports(tuple->l4proto)) /* an ICMP identifier is no port */
		return false;
	if (filter.port && filter.port != tuple->src_port && filter.port != tuple->dst_port)
		return false;
	if (filter.src_port && filter.src_port != tuple->src_port)
		return false;
	return !filter.dst_port || filter.dst_port == tuple->dst_port;
}

static __noinline bool tuple_matches(const struct tuple *tuple)
{
	if (!tuple)
		return false;
	if (filter.family && filter.family != tuple->family)
		return false;
	if (filter.l4proto && filter.l4proto != tuple->l4proto)
		return false;
	if (!ports_match(tuple))
		return false;
	if (filter.has_src && !in_prefix(tuple->src, filter.src, filter.src_mask))
		return false;
	if (filter.has_dst && !in_prefix(tuple->dst, filter.dst, filter.dst_mask))
		return false;
	if (filter.has_addr && !in_prefix(tuple->src, filter.addr, filter.addr_mask) &&
	    !in_prefix(tuple->dst, filter.addr, filter.addr_mask))
		return false;
	return true;
}

/* A tuple turned round gives the same: of two packets of one flow both are in the sample, or none. */
static __always_inline bool in_sample(const struct tuple *tuple)
{
	const __u32 *src = (const __u32 *)tuple->src, *dst = (const __u32 *)tuple->dst;
	__u64 hash = tuple->l4proto;

	if (sample == 1)
		return true;
	hash += (src[0] ^ src[1] ^ src[2] ^ src[3] ^ (__u32)tuple->src_port << 16) * HASH_FACTOR;
	hash += (dst[0] ^ dst[1] ^ dst[2] ^ dst[3] ^ (__u32)tuple->dst_port << 16) * HASH_FACTOR;
	hash = (hash ^ hash >> 29) * HASH_FACTOR;
	return (hash >> 32) % sample == 0;
}

#endif
