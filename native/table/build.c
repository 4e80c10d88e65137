// SPDX-License-Identifier: GPL-2.0
#include "build.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

/* What the kernel lets us set; it sets the other bits by itself. */
#define STATUS_OURS (IPS_SEEN_REPLY | IPS_ASSURED | IPS_FIXED_TIMEOUT)

struct tuple {
	const uint8_t *src, *dst;
	uint16_t src_port, dst_port;
};

static void put_address(struct nlmsghdr *message, uint8_t family, uint16_t v4, uint16_t v6,
			const uint8_t *bytes)
{
	if (family == 6)
		mnl_attr_put(message, v6, 16, bytes);
	else
		mnl_attr_put(message, v4, 4, bytes + 12);
}

static void put_ports(struct nlmsghdr *message, uint8_t protocol, const struct tuple *tuple)
{
	const uint8_t type = (uint8_t)(tuple->dst_port >> 8), code = (uint8_t)tuple->dst_port;

	switch (protocol) {
	case IPPROTO_ICMP:
		mnl_attr_put_u16(message, CTA_PROTO_ICMP_ID, htons(tuple->src_port));
		mnl_attr_put_u8(message, CTA_PROTO_ICMP_TYPE, type);
		mnl_attr_put_u8(message, CTA_PROTO_ICMP_CODE, code);
		break;
	case IPPROTO_ICMPV6:
		mnl_attr_put_u16(message, CTA_PROTO_ICMPV6_ID, htons(tuple->src_port));
		mnl_attr_put_u8(message, CTA_PROTO_ICMPV6_TYPE, type);
		mnl_attr_put_u8(message, CTA_PROTO_ICMPV6_CODE, code);
		break;
	default:
		mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(tuple->src_port));
		mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(tuple->dst_port));
	}
}

static void put_tuple(struct nlmsghdr *message, uint16_t type, const struct table_row *row,
		      const struct tuple *tuple)
{
	const uint16_t *zone = type == CTA_TUPLE_ORIG ? &row->zone_orig : &row->zone_reply;
	const uint32_t zone_bit = type == CTA_TUPLE_ORIG ? ROW_ZONE_ORIG : ROW_ZONE_REPLY;
	struct nlattr *nest = mnl_attr_nest_start(message, type);
	struct nlattr *inner = mnl_attr_nest_start(message, CTA_TUPLE_IP);

	put_address(message, row->family, CTA_IP_V4_SRC, CTA_IP_V6_SRC, tuple->src);
	put_address(message, row->family, CTA_IP_V4_DST, CTA_IP_V6_DST, tuple->dst);
	mnl_attr_nest_end(message, inner);
	inner = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(message, CTA_PROTO_NUM, row->protocol);
	if (row->has & (ROW_ORIG_PORTS | ROW_REPLY_PORTS))
		put_ports(message, row->protocol, tuple);
	mnl_attr_nest_end(message, inner);
	if (row->has & zone_bit)
		mnl_attr_put_u16(message, CTA_TUPLE_ZONE, htons(*zone));
	mnl_attr_nest_end(message, nest);
}

static struct tuple tuple_of(const struct table_row *row, int direction)
{
	return (struct tuple){ row->addresses[direction][0], row->addresses[direction][1],
			       row->ports[direction][0], row->ports[direction][1] };
}

static void put_zone(struct nlmsghdr *message, const struct table_row *row)
{
	if (row->has & ROW_ZONE)
		mnl_attr_put_u16(message, CTA_ZONE, htons(row->zone));
}

void build_tuple(struct nlmsghdr *message, uint16_t type, const struct table_row *row)
{
	const struct tuple tuple = tuple_of(row, 0);

	put_tuple(message, type, row, &tuple);
}

void build_name(struct nlmsghdr *message, const struct table_row *row)
{
	const int direction = row->has & ROW_ORIG ? 0 : 1;
	const struct tuple tuple = tuple_of(row, direction);

	put_tuple(message, direction ? CTA_TUPLE_REPLY : CTA_TUPLE_ORIG, row, &tuple);
	put_zone(message, row);
	if (row->has & ROW_ID)
		mnl_attr_put_u32(message, CTA_ID, htonl(row->id));
}

static bool is_icmp(uint8_t protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

/* The reply tuple as it is before NAT: mappings are asked for, not written down. */
static struct tuple reply_before_nat(const struct table_row *row)
{
	struct tuple reply = tuple_of(row, 1);

	if (row->has & ROW_DST_NAT)
		reply.src = row->addresses[0][1];
	if (row->has & ROW_SRC_NAT)
		reply.dst = row->addresses[0][0];
	if (is_icmp(row->protocol)) {
		if (row->has & ROW_SRC_NAT)
			reply.src_port = row->ports[0][0];
		return reply;
	}
	if (row->has & ROW_DST_NAT)
		reply.src_port = row->ports[0][1];
	if (row->has & ROW_SRC_NAT)
		reply.dst_port = row->ports[0][0];
	return reply;
}

static void put_mapping(struct nlmsghdr *message, const struct table_row *row, uint16_t type)
{
	const bool is_src = type == CTA_NAT_SRC;
	const uint8_t *to = row->addresses[1][is_src ? 1 : 0];
	const uint16_t port = htons(row->ports[1][is_src && !is_icmp(row->protocol) ? 1 : 0]);
	const uint16_t before =
		is_icmp(row->protocol) || is_src ? row->ports[0][0] : row->ports[0][1];
	struct nlattr *nest = mnl_attr_nest_start(message, type);

	put_address(message, row->family, CTA_NAT_V4_MINIP, CTA_NAT_V6_MINIP, to);
	put_address(message, row->family, CTA_NAT_V4_MAXIP, CTA_NAT_V6_MAXIP, to);
	if (row->has & ROW_REPLY_PORTS && port != htons(before)) {
		struct nlattr *inner = mnl_attr_nest_start(message, CTA_NAT_PROTO);

		mnl_attr_put_u16(message, CTA_PROTONAT_PORT_MIN, port);
		mnl_attr_put_u16(message, CTA_PROTONAT_PORT_MAX, port);
		mnl_attr_nest_end(message, inner);
	}
	mnl_attr_nest_end(message, nest);
}

static void put_state(struct nlmsghdr *message, const struct table_row *row)
{
	const uint16_t type = row->protocol == IPPROTO_SCTP   ? CTA_PROTOINFO_SCTP
			      : row->protocol == IPPROTO_DCCP ? CTA_PROTOINFO_DCCP
							      : CTA_PROTOINFO_TCP;
	struct nlattr *nest = mnl_attr_nest_start(message, CTA_PROTOINFO);
	struct nlattr *inner = mnl_attr_nest_start(message, type);

	mnl_attr_put_u8(message, CTA_PROTOINFO_TCP_STATE, row->state);
	if (type == CTA_PROTOINFO_SCTP) {
		mnl_attr_put_u32(message, CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, row->vtags[0]);
		mnl_attr_put_u32(message, CTA_PROTOINFO_SCTP_VTAG_REPLY, row->vtags[1]);
	}
	if (type == CTA_PROTOINFO_DCCP)
		mnl_attr_put_u8(message, CTA_PROTOINFO_DCCP_ROLE, row->role);
	mnl_attr_nest_end(message, inner);
	mnl_attr_nest_end(message, nest);
}

static void put_labels(struct nlmsghdr *message, const struct table_row *row)
{
	mnl_attr_put(message, CTA_LABELS, sizeof(row->labels), row->labels);
	if (row->has & ROW_LABELS_MASK)
		mnl_attr_put(message, CTA_LABELS_MASK, sizeof(row->labels_mask), row->labels_mask);
}

static void put_tuples(struct nlmsghdr *message, const struct table_row *row, bool is_new)
{
	const struct tuple original = tuple_of(row, 0);
	const struct tuple reply = is_new ? reply_before_nat(row) : tuple_of(row, 1);

	if (row->has & ROW_ORIG)
		put_tuple(message, CTA_TUPLE_ORIG, row, &original);
	if (row->has & ROW_REPLY)
		put_tuple(message, CTA_TUPLE_REPLY, row, &reply);
}

void build_entry(struct nlmsghdr *message, const struct table_row *row, bool is_new)
{
	uint32_t status = row->status;

	if (is_new)
		status = (status & STATUS_OURS) | IPS_CONFIRMED;
	put_tuples(message, row, is_new);
	if (row->has & ROW_STATUS)
		mnl_attr_put_u32(message, CTA_STATUS, htonl(status));
	if (row->has & ROW_TIMEOUT)
		mnl_attr_put_u32(message, CTA_TIMEOUT, htonl(row->timeout_s));
	if (row->has & ROW_MARK)
		mnl_attr_put_u32(message, CTA_MARK, htonl(row->mark));
	if (row->has & ROW_STATE)
		put_state(message, row);
	if (row->has & ROW_SRC_NAT)
		put_mapping(message, row, CTA_NAT_SRC);
	if (row->has & ROW_DST_NAT)
		put_mapping(message, row, CTA_NAT_DST);
	if (row->has & ROW_LABELS)
		put_labels(message, row);
	if (row->has & ROW_HELPER) {
		struct nlattr *nest = mnl_attr_nest_start(message, CTA_HELP);

		mnl_attr_put_strz(message, CTA_HELP_NAME, row->helper);
		mnl_attr_nest_end(message, nest);
	}
	put_zone(message, row);
}
