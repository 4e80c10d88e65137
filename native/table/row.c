// SPDX-License-Identifier: GPL-2.0
#include "row.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdbool.h>
#include <string.h>

/* Values of attributes may lie at any address; one that is too short is no value. */
static bool read_u64(const struct nlattr *attr, uint64_t *value)
{
	uint64_t wide;

	if (mnl_attr_get_payload_len(attr) < sizeof(wide))
		return false;
	memcpy(&wide, mnl_attr_get_payload(attr), sizeof(wide));
	*value = be64toh(wide);
	return true;
}

static bool read_u32(const struct nlattr *attr, uint32_t *value)
{
	uint32_t word;

	if (mnl_attr_get_payload_len(attr) < sizeof(word))
		return false;
	memcpy(&word, mnl_attr_get_payload(attr), sizeof(word));
	*value = ntohl(word);
	return true;
}

/* As conntrack(8) shows it: the packet's bytes, in the order of this machine. */
static bool read_tag(const struct nlattr *attr, uint32_t *tag)
{
	if (mnl_attr_get_payload_len(attr) < sizeof(*tag))
		return false;
	memcpy(tag, mnl_attr_get_payload(attr), sizeof(*tag));
	return true;
}

static bool read_u16(const struct nlattr *attr, uint16_t *value)
{
	uint16_t half;

	if (mnl_attr_get_payload_len(attr) < sizeof(half))
		return false;
	memcpy(&half, mnl_attr_get_payload(attr), sizeof(half));
	*value = ntohs(half);
	return true;
}

static bool read_u8(const struct nlattr *attr, uint8_t *value)
{
	if (mnl_attr_get_payload_len(attr) < 1)
		return false;
	*value = *(const uint8_t *)mnl_attr_get_payload(attr);
	return true;
}

static uint32_t has_if(bool is_read, uint32_t bits)
{
	return is_read ? bits : 0;
}

static void read_address(uint8_t *to, const struct nlattr *attr, uint16_t bytes)
{
	if (mnl_attr_get_payload_len(attr) < bytes)
		return;
	memset(to, 0, 16);
	if (bytes == 4)
		memset(to + 10, 0xff, 2);
	memcpy(to + 16 - bytes, mnl_attr_get_payload(attr), bytes);
}

static void read_addresses(struct table_row *row, int direction, const struct nlattr *nest)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
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

	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
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

static void read_tuple(struct table_row *row, int direction, const struct nlattr *nest)
{
	uint16_t *zone = direction ? &row->zone_reply : &row->zone_orig;
	const uint32_t bit = direction ? ROW_ZONE_REPLY : ROW_ZONE_ORIG;
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
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
	const uint16_t protocol = mnl_attr_get_type(nest);
	const struct nlattr *attr;

	/* Of all three the state has the same number. */
	static_assert((int)CTA_PROTOINFO_TCP_STATE == (int)CTA_PROTOINFO_SCTP_STATE, "state");
	static_assert((int)CTA_PROTOINFO_TCP_STATE == (int)CTA_PROTOINFO_DCCP_STATE, "state");
	mnl_attr_for_each_nested(attr, nest) {
		const uint16_t type = mnl_attr_get_type(attr);

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

	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == CTA_COUNTERS_PACKETS)
			row->has |= has_if(read_u64(attr, &row->packets[direction]), bit);
		else if (mnl_attr_get_type(attr) == CTA_COUNTERS_BYTES)
			row->has |= has_if(read_u64(attr, &row->bytes[direction]), bit);
	}
}

static void read_times(struct table_row *row, const struct nlattr *nest)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == CTA_TIMESTAMP_START)
			row->has |= has_if(read_u64(attr, &row->start_ns), ROW_START);
		else if (mnl_attr_get_type(attr) == CTA_TIMESTAMP_STOP)
			row->has |= has_if(read_u64(attr, &row->stop_ns), ROW_STOP);
	}
}

static void read_helper(struct table_row *row, const struct nlattr *nest)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		const size_t length = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) != CTA_HELP_NAME || length == 0)
			continue;
		if (length > sizeof(row->helper))
			row->has |= ROW_MORE;
		memset(row->helper, 0, sizeof(row->helper));
		memcpy(row->helper, mnl_attr_get_payload(attr),
		       length < sizeof(row->helper) ? length : sizeof(row->helper) - 1);
		row->has |= ROW_HELPER;
	}
}

static void read_labels(struct table_row *row, const struct nlattr *attr)
{
	const size_t length = mnl_attr_get_payload_len(attr);

	memcpy(row->labels, mnl_attr_get_payload(attr),
	       length < sizeof(row->labels) ? length : sizeof(row->labels));
	row->has |= ROW_LABELS;
}

static void read_nest(struct table_row *row, const struct nlattr *attr)
{
	const struct nlattr *inner;

	switch (mnl_attr_get_type(attr)) {
	case CTA_TUPLE_ORIG:
	case CTA_TUPLE_REPLY:
		read_tuple(row, mnl_attr_get_type(attr) == CTA_TUPLE_REPLY, attr);
		break;
	case CTA_PROTOINFO:
		mnl_attr_for_each_nested(inner, attr)
			read_state(row, inner);
		break;
	case CTA_COUNTERS_ORIG:
	case CTA_COUNTERS_REPLY:
		read_counts(row, mnl_attr_get_type(attr) == CTA_COUNTERS_REPLY, attr);
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
	switch (mnl_attr_get_type(attr)) {
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
	/* Not mnl_attr_for_each(): it goes on to the next multiple of four. */
	attr = mnl_nlmsg_get_payload_offset(message, sizeof(*header));
	while (mnl_attr_ok(attr, (int)(end - (const char *)attr))) {
		read_attribute(row, attr);
		attr = mnl_attr_next(attr);
	}
	return row->has & ROW_ORIG ? 0 : -1;
}
