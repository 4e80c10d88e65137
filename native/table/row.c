// SPDX-License-Identifier: GPL-2.0
#include "row.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdbool.h>
#include <string.h>

#include "attributes.h"

static void read_address(uint8_t *to, const struct nlattr *attr, uint16_t bytes)
{
	if (length_of(attr) < bytes)
		return;
	memset(to, 0, 16);
	if (bytes == 4)
		memset(to + 10, 0xff, 2);
	memcpy(to + 16 - bytes, payload_of(attr), bytes);
}

static void read_addresses(struct table_row *row, int direction, const struct nlattr *nest)
{
	const struct nlattr *attr;

	for_each_in(attr, nest) {
		switch (type_of(attr)) {
		case CTA_IP_V4_SRC:
			read_address(row->addresses[direction][0], attr, 4);
			break;
		case CTA_IP_V4_DST:
			read_address(row->addresses[direction][1], attr, 4);
			break;
		case CTA_IP_V6_SRC:
			read_address(row->addresses[direction][0], attr, 16);
			break;
		case CTA_IP_V6_DST:
			read_address(row->addresses[direction][1], attr, 16);
			break;
		}
	}
	row->has |= direction ? ROW_REPLY : ROW_ORIG;
}

static void read_protocol(struct table_row *row, int direction, const struct nlattr *nest)
{
	const uint32_t bit = direction ? ROW_REPLY_PORTS : ROW_ORIG_PORTS;
	uint16_t *ports = row->ports[direction];
	const struct nlattr *attr;
	uint8_t type = 0, code = 0;
	bool is_icmp = false;

	for_each_in(attr, nest) {
		switch (type_of(attr)) {
		case CTA_PROTO_NUM:
			if (!direction)
				read_u8(attr, &row->protocol);
			break;
		case CTA_PROTO_SRC_PORT:
		case CTA_PROTO_ICMP_ID:
		case CTA_PROTO_ICMPV6_ID:
			row->has |= has_if(read_u16(attr, &ports[0]), bit);
			break;
		case CTA_PROTO_DST_PORT:
			row->has |= has_if(read_u16(attr, &ports[1]), bit);
			break;
		case CTA_PROTO_ICMP_TYPE:
		case CTA_PROTO_ICMPV6_TYPE:
			is_icmp |= read_u8(attr, &type);
			break;
		case CTA_PROTO_ICMP_CODE:
		case CTA_PROTO_ICMPV6_CODE:
			is_icmp |= read_u8(attr, &code);
			break;
		}
	}
	if (is_icmp) {
		ports[1] = (uint16_t)(type << 8 | code);
		row->has |= bit;
	}
}

void row_read_tuple(struct table_row *row, int direction, const struct nlattr *nest)
{
	uint16_t *zone = direction ? &row->zone_reply : &row->zone_orig;
	const uint32_t bit = direction ? ROW_ZONE_REPLY : ROW_ZONE_ORIG;
	const struct nlattr *attr;

	for_each_in(attr, nest) {
		switch (type_of(attr)) {
		case CTA_TUPLE_IP:
			read_addresses(row, direction, attr);
			break;
		case CTA_TUPLE_PROTO:
			read_protocol(row, direction, attr);
			break;
		case CTA_TUPLE_ZONE:
			row->has |= has_if(read_u16(attr, zone), bit);
			break;
		}
	}
}

static void read_state(struct table_row *row, const struct nlattr *nest)
{
	const uint16_t protocol = type_of(nest);
	const struct nlattr *attr;

	/* Of all three the state has the same number. */
	static_assert((int)CTA_PROTOINFO_TCP_STATE == (int)CTA_PROTOINFO_SCTP_STATE, "state");
	static_assert((int)CTA_PROTOINFO_TCP_STATE == (int)CTA_PROTOINFO_DCCP_STATE, "state");
	for_each_in(attr, nest) {
		const uint16_t type = type_of(attr);

		if (type == CTA_PROTOINFO_TCP_STATE)
			row->has |= has_if(read_u8(attr, &row->state), ROW_STATE);
		else if (protocol == CTA_PROTOINFO_SCTP && type == CTA_PROTOINFO_SCTP_VTAG_ORIGINAL)
			row->has |= has_if(read_tag(attr, &row->vtags[0]), ROW_VTAGS);
		else if (protocol == CTA_PROTOINFO_SCTP && type == CTA_PROTOINFO_SCTP_VTAG_REPLY)
			row->has |= has_if(read_tag(attr, &row->vtags[1]), ROW_VTAGS);
		else if (protocol == CTA_PROTOINFO_DCCP && type == CTA_PROTOINFO_DCCP_ROLE)
			row->has |= has_if(read_u8(attr, &row->role), ROW_ROLE);
	}
}

static void read_counts(struct table_row *row, int direction, const struct nlattr *nest)
{
	const uint32_t bit = direction ? ROW_REPLY_COUNTS : ROW_ORIG_COUNTS;
	const struct nlattr *attr;

	for_each_in(attr, nest) {
		if (type_of(attr) == CTA_COUNTERS_PACKETS)
			row->has |= has_if(read_u64(attr, &row->packets[direction]), bit);
		else if (type_of(attr) == CTA_COUNTERS_BYTES)
			row->has |= has_if(read_u64(attr, &row->bytes[direction]), bit);
	}
}

static void read_times(struct table_row *row, const struct nlattr *nest)
{
	const struct nlattr *attr;

	for_each_in(attr, nest) {
		if (type_of(attr) == CTA_TIMESTAMP_START)
			row->has |= has_if(read_u64(attr, &row->start_ns), ROW_START);
		else if (type_of(attr) == CTA_TIMESTAMP_STOP)
			row->has |= has_if(read_u64(attr, &row->stop_ns), ROW_STOP);
	}
}

static void read_helper(struct table_row *row, const struct nlattr *nest)
{
	const struct nlattr *attr;

	for_each_in(attr, nest) {
		const size_t length = length_of(attr);

		if (type_of(attr) != CTA_HELP_NAME || length == 0)
			continue;
		if (length > sizeof(row->helper))
			row->has |= ROW_MORE;
		memset(row->helper, 0, sizeof(row->helper));
		memcpy(row->helper, payload_of(attr),
		       length < sizeof(row->helper) ? length : sizeof(row->helper) - 1);
		row->has |= ROW_HELPER;
	}
}

static void read_labels(struct table_row *row, const struct nlattr *attr)
{
	const size_t length = length_of(attr);

	memcpy(row->labels, payload_of(attr),
	       length < sizeof(row->labels) ? length : sizeof(row->labels));
	row->has |= ROW_LABELS;
}

static void read_nest(struct table_row *row, const struct nlattr *attr)
{
	const struct nlattr *inner;

	switch (type_of(attr)) {
	case CTA_TUPLE_ORIG:
	case CTA_TUPLE_REPLY:
		row_read_tuple(row, type_of(attr) == CTA_TUPLE_REPLY, attr);
		break;
	case CTA_PROTOINFO:
		for_each_in(inner, attr)
			read_state(row, inner);
		break;
	case CTA_COUNTERS_ORIG:
	case CTA_COUNTERS_REPLY:
		read_counts(row, type_of(attr) == CTA_COUNTERS_REPLY, attr);
		break;
	case CTA_TIMESTAMP:
		read_times(row, attr);
		break;
	case CTA_HELP:
		read_helper(row, attr);
		break;
	case CTA_LABELS:
		read_labels(row, attr);
		break;
	case CTA_TUPLE_MASTER:
		row->has |= ROW_MASTER;
		break;
	case CTA_SECCTX:
		row->has |= ROW_MORE;
		break;
	}
}

static void read_attribute(struct table_row *row, const struct nlattr *attr)
{
	switch (type_of(attr)) {
	case CTA_STATUS:
		row->has |= has_if(read_u32(attr, &row->status), ROW_STATUS);
		break;
	case CTA_TIMEOUT:
		row->has |= has_if(read_u32(attr, &row->timeout_s), ROW_TIMEOUT);
		break;
	case CTA_MARK:
		row->has |= has_if(read_u32(attr, &row->mark), ROW_MARK);
		break;
	case CTA_ID:
		row->has |= has_if(read_u32(attr, &row->id), ROW_ID);
		break;
	case CTA_USE:
		row->has |= has_if(read_u32(attr, &row->use), ROW_USE);
		break;
	case CTA_ZONE:
		row->has |= has_if(read_u16(attr, &row->zone), ROW_ZONE);
		break;
	default:
		read_nest(row, attr);
	}
}

int row_read(struct table_row *row, const struct nlmsghdr *message)
{
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);
	const char *end = (const char *)message + message->nlmsg_len;
	const struct nlattr *attr;

	memset(row, 0, sizeof(*row));
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*header))
		return -1;
	if (message->nlmsg_type >> 8 != NFNL_SUBSYS_CTNETLINK)
		return -1;
	row->family = header->nfgen_family == AF_INET6 ? 6 : 4;
	if ((message->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE)
		row->news = ROW_DESTROY;
	else if ((message->nlmsg_type & 0xff) != IPCTNL_MSG_CT_NEW)
		return -1;
	else
		row->news = message->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL) ? ROW_NEW : ROW_UPDATE;
	attr = (const void *)(header + 1);
	for (; is_whole(attr, end); attr = next_of(attr))
		read_attribute(row, attr);
	return row->has & ROW_ORIG ? 0 : -1;
}
