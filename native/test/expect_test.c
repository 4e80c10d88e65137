// SPDX-License-Identifier: GPL-2.0
/* Messages about expectations, made at random. */
#include "expect_test.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "expect.h"
#include "table_messages.h"

#define ROUNDS 20000
#define HEADER (MNL_NLMSG_HDRLEN + (uint32_t)sizeof(struct nfgenmsg))

static struct nlmsghdr *begin_message(void *memory, bool is_v6)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(memory);
	struct nfgenmsg *header;

	message->nlmsg_type = NFNL_SUBSYS_CTNETLINK_EXP << 8 | IPCTNL_MSG_EXP_NEW;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->nfgen_family = is_v6 ? AF_INET6 : AF_INET;
	return message;
}

static uint32_t random_expectation(void *memory, uint32_t *seed)
{
	const bool is_v6 = next_random(seed) % 2;
	const uint8_t protocol = next_random(seed) % 4 ? IPPROTO_TCP : 99;
	struct nlmsghdr *message = begin_message(memory, is_v6);

	for (uint16_t type = CTA_EXPECT_MASTER; type <= CTA_EXPECT_MASK; type++)
		random_tuple(message, type, is_v6, protocol, seed);
	if (perhaps(seed))
		mnl_attr_put_u32(message, CTA_EXPECT_TIMEOUT, htonl(next_random(seed)));
	if (perhaps(seed))
		mnl_attr_put_u32(message, CTA_EXPECT_FLAGS, htonl(next_random(seed) & 7));
	if (perhaps(seed))
		mnl_attr_put_u16(message, CTA_EXPECT_ZONE, htons((uint16_t)next_random(seed)));
	if (perhaps(seed))
		mnl_attr_put_strz(message, CTA_EXPECT_HELP_NAME, perhaps(seed) ? "ftp" : "Q.931");
	if (perhaps(seed)) {
		struct nlattr *nest = mnl_attr_nest_start(message, CTA_EXPECT_NAT);

		mnl_attr_put_u32(message, CTA_EXPECT_NAT_DIR, htonl(next_random(seed) & 1));
		random_tuple(message, CTA_EXPECT_NAT_TUPLE, is_v6, protocol, seed);
		mnl_attr_nest_end(message, nest);
	}
	return message->nlmsg_len;
}

/* What the kernel would say of what it was asked for: the fields that it takes. */
void test_expect_built(void)
{
	_Alignas(8) uint8_t memory[2048];
	uint32_t seed = 21;

	for (int i = 0; i < ROUNDS; i++) {
		struct expect_row row, again;

		random_expectation(memory, &seed);
		EQUAL(expect_read(&row, (const void *)memory), 0);
		expect_build(begin_message(memory, row.family == 6), &row);
		EQUAL(expect_read(&again, (const void *)memory), 0);
		EQUAL(again.protocol, row.protocol);
		EQUAL(again.timeout_s, row.timeout_s);
		EQUAL(again.zone, row.zone);
		HOLDS(!memcmp(again.ports, row.ports, EXPECT_NAT * sizeof(row.ports[0])));
		HOLDS(!memcmp(again.addresses, row.addresses,
			      EXPECT_NAT * sizeof(row.addresses[0])));
		EQUAL(again.has, row.has & ~(EXPECT_FLAGS | EXPECT_HELPER | EXPECT_NAT_DIRECTION |
					     1u << EXPECT_NAT |
					     1u << (EXPECT_PORTS_SHIFT + EXPECT_NAT)));
	}
}

/* In memory of exactly its size, so that a sanitizer sees what is read behind it. */
static void read_hostile(const uint8_t *from, uint32_t bytes)
{
	uint8_t *memory = malloc(bytes);
	struct expect_row row;

	memcpy(memory, from, bytes);
	((struct nlmsghdr *)memory)->nlmsg_len = bytes;
	if (expect_read(&row, (const void *)memory) == 0)
		EQUAL(row.helper[sizeof(row.helper) - 1], 0);
	free(memory);
}

void test_expect_hostile(void)
{
	_Alignas(8) uint8_t memory[2048];
	uint32_t seed = 23;

	for (int i = 0; i < ROUNDS; i++) {
		const uint32_t bytes = random_expectation(memory, &seed);

		for (uint32_t change = next_random(&seed) % 8; change > 0; change--)
			memory[HEADER + next_random(&seed) % (bytes - HEADER)] =
				(uint8_t)next_random(&seed);
		read_hostile(memory, HEADER + next_random(&seed) % (bytes - HEADER + 1));
	}
}
