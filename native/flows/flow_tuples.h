/* SPDX-License-Identifier: GPL-2.0 */
/* Tuples of an entry as a record tells them, and which ends NAT changes by them. */
#ifndef CONNTRAIL_FLOW_TUPLES_H
#define CONNTRAIL_FLOW_TUPLES_H

#include <linux/types.h>
#include <stdbool.h>
#include <string.h>

#include "../../bpf/record.h"
#include "flow_row.h"

#define IPPROTO_ICMP 1
#define IPPROTO_ICMPV6 58

static inline bool same_address(const uint32_t *a, const uint32_t *b)
{
	return !memcmp(a, b, 16);
}

/* An ICMP packet's src_port is an identifier, which may change; its dst_port is type and code. */
static inline bool is_identified(uint32_t protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

/* Which ends NAT changes, by direction: replies at the other end, but an identifier as the source's. */
static inline uint32_t mapping_of(const struct flow_row *row)
{
	const struct flow_tuple *original = &row->tuple[0], *reply = &row->tuple[1];
	const bool identified = is_identified(row->protocol);
	const uint32_t returned = identified ? reply->src_port : reply->dst_port;
	const bool is_moved = !same_address(original->src, reply->dst);
	const bool is_renamed = original->src_port != returned;
	const bool src = is_moved || is_renamed;
	const bool dst = !same_address(original->dst, reply->src) ||
			 (!identified && original->dst_port != reply->src_port);

	if (!identified)
		return (uint32_t)dst | src << 1 | src << 2 | dst << 3;
	return (uint32_t)dst | src << 1 | is_moved << 2 | (dst || is_renamed) << 3;
}

static inline void note_tuples(struct flow_row *row, uint32_t written)
{
	row->known |= written;
	if ((row->known & KNOWN_BOTH) == KNOWN_BOTH)
		row->mapping = mapping_of(row);
}

static inline void copy_tuple(struct flow_tuple *tuple, const struct record *record)
{
	memcpy(tuple->src, record->src, sizeof(tuple->src));
	memcpy(tuple->dst, record->dst, sizeof(tuple->dst));
	tuple->src_port = record->src_port;
	tuple->dst_port = record->dst_port;
}

static inline void put_ipv4(uint32_t *address, uint32_t ipv4)
{
	address[0] = address[1] = 0;
	address[2] = 0xffff0000; /* RFC 4291, 2.5.5.2 */
	address[3] = ipv4;
}

static inline void copy_both(struct flow_row *row, const struct record *record)
{
	put_ipv4(row->tuple[0].src, record->both.src);
	put_ipv4(row->tuple[0].dst, record->both.dst);
	put_ipv4(row->tuple[1].src, record->both.src_reply);
	put_ipv4(row->tuple[1].dst, record->both.dst_reply);
	row->tuple[0].src_port = record->src_port;
	row->tuple[0].dst_port = record->dst_port;
	row->tuple[1].src_port = record->both.src_port_reply;
	row->tuple[1].dst_port = record->both.dst_port_reply;
	row->entry = record->both.entry;
	row->first_ktime = record->ktime_ns - record->both.since_first_ns;
	row->first_at = row->first_ktime;
}

#endif
