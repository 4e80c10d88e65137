// SPDX-License-Identifier: GPL-2.0
#include "table_messages.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdbool.h>
#include <string.h>

uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

bool perhaps(uint32_t *seed)
{
	return next_random(seed) % 3 > 0;
}

static const uint8_t protocols[] = { IPPROTO_TCP,  IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6,
				     IPPROTO_SCTP, IPPROTO_GRE, IPPROTO_DCCP, IPPROTO_UDPLITE,
				     99 };

static void put_ip(struct nlmsghdr *message, bool is_v6, uint32_t *seed)
{
	struct nlattr *nest = mnl_attr_nest_start(message, CTA_TUPLE_IP);
	uint8_t address[2][16] = {};

	for (int end = 0; end < 2; end++)
		for (int i = 0; i < 16; i++)
			address[end][i] = (uint8_t)(next_random(seed) % 4 ? next_random(seed) : 0);
	mnl_attr_put(message, is_v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, is_v6 ? 16 : 4, address[0]);
	mnl_attr_put(message, is_v6 ? CTA_IP_V6_DST : CTA_IP_V4_DST, is_v6 ? 16 : 4, address[1]);
	mnl_attr_nest_end(message, nest);
}

static void put_icmp(struct nlmsghdr *message, uint8_t protocol, bool is_reply, uint32_t *seed)
{
	const bool is_v6 = protocol == IPPROTO_ICMPV6;
	const uint8_t type = is_v6 ? (is_reply ? 129 : 128) : (is_reply ? 0 : 8);

	mnl_attr_put_u16(message, is_v6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID,
			 htons((uint16_t)next_random(seed)));
	mnl_attr_put_u8(message, is_v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE, type);
	mnl_attr_put_u8(message, is_v6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE, 0);
}

void random_tuple(struct nlmsghdr *message, uint16_t type, bool is_v6, uint8_t protocol,
		  uint32_t *seed)
{
	struct nlattr *nest = mnl_attr_nest_start(message, type);
	struct nlattr *inner;

	put_ip(message, is_v6, seed);
	inner = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(message, CTA_PROTO_NUM, protocol);
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
		put_icmp(message, protocol, type == CTA_TUPLE_REPLY, seed);
	} else if (protocol != 99) {
		mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons((uint16_t)next_random(seed)));
		mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons((uint16_t)next_random(seed)));
	}
	mnl_attr_nest_end(message, inner);
	if (!perhaps(seed))
		mnl_attr_put_u16(message, CTA_TUPLE_ZONE, htons((uint16_t)next_random(seed)));
	mnl_attr_nest_end(message, nest);
}

static void put_protoinfo(struct nlmsghdr *message, uint8_t protocol, uint32_t *seed)
{
	struct nlattr *nest = mnl_attr_nest_start(message, CTA_PROTOINFO);
	struct nlattr *inner;

	if (protocol == IPPROTO_TCP) {
		inner = mnl_attr_nest_start(message, CTA_PROTOINFO_TCP);
		mnl_attr_put_u8(message, CTA_PROTOINFO_TCP_STATE, next_random(seed) % 10);
	} else if (protocol == IPPROTO_SCTP) {
		inner = mnl_attr_nest_start(message, CTA_PROTOINFO_SCTP);
		mnl_attr_put_u8(message, CTA_PROTOINFO_SCTP_STATE, next_random(seed) % 8);
		mnl_attr_put_u32(message, CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, next_random(seed));
		mnl_attr_put_u32(message, CTA_PROTOINFO_SCTP_VTAG_REPLY, next_random(seed));
	} else {
		inner = mnl_attr_nest_start(message, CTA_PROTOINFO_DCCP);
		mnl_attr_put_u8(message, CTA_PROTOINFO_DCCP_STATE, next_random(seed) % 8);
		mnl_attr_put_u8(message, CTA_PROTOINFO_DCCP_ROLE, 0);
	}
	mnl_attr_nest_end(message, inner);
	mnl_attr_nest_end(message, nest);
}

static void put_counts(struct nlmsghdr *message, uint16_t type, uint32_t *seed)
{
	struct nlattr *nest = mnl_attr_nest_start(message, type);

	mnl_attr_put_u64(message, CTA_COUNTERS_PACKETS, htobe64(next_random(seed)));
	mnl_attr_put_u64(message, CTA_COUNTERS_BYTES,
			 htobe64((uint64_t)next_random(seed) << (next_random(seed) % 40)));
	mnl_attr_nest_end(message, nest);
}

static void put_times(struct nlmsghdr *message, uint32_t *seed)
{
	struct nlattr *nest = mnl_attr_nest_start(message, CTA_TIMESTAMP);
	const uint64_t start_ns = (1700000000ull + next_random(seed)) * 1000000000ull;

	mnl_attr_put_u64(message, CTA_TIMESTAMP_START, htobe64(start_ns));
	/* Always ended: what has not would show the clock's next second. */
	mnl_attr_put_u64(message, CTA_TIMESTAMP_STOP,
			 htobe64(start_ns + next_random(seed) * 1000000000ull));
	mnl_attr_nest_end(message, nest);
}

static const char labels[][17] = { "\x01\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x40",
				   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x40", "" };

static void put_rest(struct nlmsghdr *message, uint8_t protocol, uint32_t *seed)
{
	if (perhaps(seed))
		mnl_attr_put_u32(message, CTA_STATUS, htonl(next_random(seed) & 0xffff));
	if (perhaps(seed))
		mnl_attr_put_u32(message, CTA_TIMEOUT, htonl(next_random(seed)));
	if (perhaps(seed))
		mnl_attr_put_u32(message, CTA_MARK, htonl(next_random(seed) << 8));
	if (perhaps(seed))
		mnl_attr_put_u32(message, CTA_ID, htonl(next_random(seed) << 8));
	if (perhaps(seed))
		mnl_attr_put_u32(message, CTA_USE, htonl(next_random(seed) & 3));
	if (perhaps(seed))
		mnl_attr_put_u16(message, CTA_ZONE, htons((uint16_t)next_random(seed)));
	if (perhaps(seed)) {
		put_counts(message, CTA_COUNTERS_ORIG, seed);
		put_counts(message, CTA_COUNTERS_REPLY, seed);
	}
	if (perhaps(seed))
		put_times(message, seed);
	if (!perhaps(seed)) {
		struct nlattr *nest = mnl_attr_nest_start(message, CTA_HELP);

		mnl_attr_put_strz(message, CTA_HELP_NAME, perhaps(seed) ? "ftp" : "sip-20000");
		mnl_attr_nest_end(message, nest);
	}
	if (!perhaps(seed)) {
		struct nlattr *nest = mnl_attr_nest_start(message, CTA_SECCTX);

		mnl_attr_put_strz(message, CTA_SECCTX_NAME, "system_u:object_r:some_t");
		mnl_attr_nest_end(message, nest);
	}
	/* With two that have names, with one that has none, with none at all. */
	if (!perhaps(seed))
		mnl_attr_put(message, CTA_LABELS, 16, labels[next_random(seed) % 3]);
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP)
		put_protoinfo(message, protocol, seed);
}

uint32_t random_message(void *memory, uint32_t *seed)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(memory);
	const uint8_t protocol = protocols[next_random(seed) % sizeof(protocols)];
	const bool is_v6 = protocol == IPPROTO_ICMPV6 ||
			   (protocol != IPPROTO_ICMP && next_random(seed) % 2);
	const bool is_gone = next_random(seed) % 4 == 0;
	struct nfgenmsg *header;

	message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 |
			      (is_gone ? IPCTNL_MSG_CT_DELETE : IPCTNL_MSG_CT_NEW);
	message->nlmsg_flags = perhaps(seed) ? NLM_F_CREATE | NLM_F_EXCL : 0;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->nfgen_family = is_v6 ? AF_INET6 : AF_INET;
	random_tuple(message, CTA_TUPLE_ORIG, is_v6, protocol, seed);
	random_tuple(message, CTA_TUPLE_REPLY, is_v6, protocol, seed);
	put_rest(message, protocol, seed);
	return message->nlmsg_len;
}
