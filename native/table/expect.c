// SPDX-License-Identifier: GPL-2.0
#include "expect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#include "attributes.h"
#include "build.h"
#include "lines.h"
#include "words.h"

bool is_expectation(const struct nlmsghdr *message)
{
	return message->nlmsg_type >> 8 == NFNL_SUBSYS_CTNETLINK_EXP;
}

static void read_tuple(struct expect_row *row, enum expect_tuple which, const struct nlattr *nest)
{
	struct table_row tuple = {};

	row_read_tuple(&tuple, 0, nest);
	memcpy(row->addresses[which], tuple.addresses[0], sizeof(row->addresses[which]));
	memcpy(row->ports[which], tuple.ports[0], sizeof(row->ports[which]));
	if (which == EXPECT_TUPLE)
		row->protocol = tuple.protocol;
	row->has |= has_if(tuple.has & ROW_ORIG, 1u << which);
	row->has |= has_if(tuple.has & ROW_ORIG_PORTS, 1u << (EXPECT_PORTS_SHIFT + which));
}

static void read_nat(struct expect_row *row, const struct nlattr *nest)
{
	const struct nlattr *attr;

	for_each_in(attr, nest) {
		if (type_of(attr) == CTA_EXPECT_NAT_TUPLE)
			read_tuple(row, EXPECT_NAT, attr);
		else if (type_of(attr) == CTA_EXPECT_NAT_DIR)
			row->has |= has_if(read_u32(attr, &row->nat_direction),
					   EXPECT_NAT_DIRECTION);
	}
}

static void read_helper(struct expect_row *row, const struct nlattr *attr)
{
	const size_t length = length_of(attr), most = sizeof(row->helper) - 1;

	memset(row->helper, 0, sizeof(row->helper));
	memcpy(row->helper, payload_of(attr), length < most ? length : most);
	row->has |= EXPECT_HELPER;
}

static void read_number(struct expect_row *row, const struct nlattr *attr)
{
	switch (type_of(attr)) {
	case CTA_EXPECT_TIMEOUT:
		row->has |= has_if(read_u32(attr, &row->timeout_s), EXPECT_TIMEOUT);
		break;
	case CTA_EXPECT_ID:
		row->has |= has_if(read_u32(attr, &row->id), EXPECT_ID);
		break;
	case CTA_EXPECT_ZONE:
		row->has |= has_if(read_u16(attr, &row->zone), EXPECT_ZONE);
		break;
	case CTA_EXPECT_FLAGS:
		row->has |= has_if(read_u32(attr, &row->flags), EXPECT_FLAGS);
		break;
	case CTA_EXPECT_CLASS:
		row->has |= has_if(read_u32(attr, &row->class), EXPECT_CLASS);
		break;
	}
}

static void read_attribute(struct expect_row *row, const struct nlattr *attr)
{
	switch (type_of(attr)) {
	case CTA_EXPECT_MASTER:
		read_tuple(row, EXPECT_MASTER, attr);
		break;
	case CTA_EXPECT_TUPLE:
		read_tuple(row, EXPECT_TUPLE, attr);
		break;
	case CTA_EXPECT_MASK:
		read_tuple(row, EXPECT_MASK, attr);
		break;
	case CTA_EXPECT_NAT:
		read_nat(row, attr);
		break;
	case CTA_EXPECT_HELP_NAME:
		read_helper(row, attr);
		break;
	default:
		read_number(row, attr);
	}
}

int expect_read(struct expect_row *row, const struct nlmsghdr *message)
{
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);
	const char *end = (const char *)message + message->nlmsg_len;
	const uint8_t type = message->nlmsg_type & 0xff;
	const struct nlattr *attr;

	memset(row, 0, sizeof(*row));
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*header))
		return -1;
	if (!is_expectation(message) || (type != IPCTNL_MSG_EXP_NEW && type != IPCTNL_MSG_EXP_DELETE))
		return -1;
	row->family = header->nfgen_family == AF_INET6 ? 6 : 4;
	row->news = type == IPCTNL_MSG_EXP_DELETE			    ? ROW_DESTROY
		    : message->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL) ? ROW_NEW
									    : ROW_UPDATE;
	attr = (const void *)(header + 1);
	for (; is_whole(attr, end); attr = next_of(attr))
		read_attribute(row, attr);
	return row->has & 1u << EXPECT_TUPLE ? 0 : -1;
}

int expect_line(char *to, const struct nlmsghdr *message, uint32_t form, uint8_t news)
{
	static const unsigned types[] = { NFCT_T_UNKNOWN, NFCT_T_NEW, NFCT_T_UPDATE,
					  NFCT_T_DESTROY };
	const unsigned type = form & LINE_NEWS ? types[news & 3] : NFCT_T_UNKNOWN;
	const bool is_xml = form & LINE_XML, is_timed = form & LINE_CLOCK;
	struct nf_expect *expectation = nfexp_new();
	char *at = is_timed && !is_xml ? put_clock((struct out){ to }).at : to;
	const int room = LINE_BYTES - 1 - (int)(at - to);
	int bytes = -EBADMSG;

	if (!expectation)
		return -ENOMEM;
	if (nfexp_nlmsg_parse(message, expectation) == 0)
		bytes = nfexp_snprintf(at, (unsigned)room, expectation, type,
				       is_xml ? NFCT_O_XML : NFCT_O_DEFAULT,
				       is_timed ? NFCT_OF_TIME : 0);
	nfexp_destroy(expectation);
	if (bytes < 0 || bytes >= room)
		return -EBADMSG;
	at[bytes] = '\n';
	return (int)(at - to) + bytes + 1;
}

static void put_tuple(struct nlmsghdr *message, uint16_t type, const struct expect_row *row,
		      enum expect_tuple which)
{
	struct table_row tuple = { .family = row->family, .protocol = row->protocol };

	if (!(row->has & 1u << which))
		return;
	if (row->has & 1u << (EXPECT_PORTS_SHIFT + which))
		tuple.has = ROW_ORIG_PORTS;
	memcpy(tuple.addresses[0], row->addresses[which], sizeof(tuple.addresses[0]));
	memcpy(tuple.ports[0], row->ports[which], sizeof(tuple.ports[0]));
	build_tuple(message, type, &tuple);
}

void expect_name(struct nlmsghdr *message, const struct expect_row *row)
{
	put_tuple(message, CTA_EXPECT_TUPLE, row, EXPECT_TUPLE);
	if (row->has & EXPECT_ZONE)
		mnl_attr_put_u16(message, CTA_EXPECT_ZONE, htons(row->zone));
}

void expect_build(struct nlmsghdr *message, const struct expect_row *row)
{
	put_tuple(message, CTA_EXPECT_MASTER, row, EXPECT_MASTER);
	expect_name(message, row);
	put_tuple(message, CTA_EXPECT_MASK, row, EXPECT_MASK);
	if (row->has & EXPECT_TIMEOUT)
		mnl_attr_put_u32(message, CTA_EXPECT_TIMEOUT, htonl(row->timeout_s));
}
