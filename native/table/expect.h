/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One expectation in a fixed size, that of an entry's row: the same memory holds
 * either. Numbers are in host order, addresses in network order.
 * src/model/expect-row.ts reads it by 32-bit words: test/table/expect-row.test.ts.
 */
#ifndef CONNTRAIL_TABLE_EXPECT_H
#define CONNTRAIL_TABLE_EXPECT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "row.h"

enum expect_tuple {
	EXPECT_TUPLE, /* the flow to come */
	EXPECT_MASK,  /* the bits of it that must fit */
	EXPECT_MASTER, /* original tuple of the entry that expects it */
	EXPECT_NAT,   /* where NAT will send it */
	EXPECT_TUPLES,
};

/* Which fields a row has; of tuples 1 << enum expect_tuple, and of their ports the bits behind. */
enum expect_has {
	EXPECT_PORTS_SHIFT = EXPECT_TUPLES,
	EXPECT_FLAGS = 1u << 8,
	EXPECT_TIMEOUT = 1u << 9,
	EXPECT_CLASS = 1u << 10,
	EXPECT_ID = 1u << 11,
	EXPECT_ZONE = 1u << 12,
	EXPECT_HELPER = 1u << 13,
	EXPECT_NAT_DIRECTION = 1u << 14,
};

struct expect_row {
	uint8_t family; /* 4, 6 */
	uint8_t protocol;
	uint8_t unused;
	uint8_t news;  /* enum row_news */
	uint32_t has;  /* enum expect_has */
	uint32_t flags; /* NF_CT_EXPECT_PERMANENT and the like */
	uint32_t timeout_s;
	uint32_t class;
	uint32_t id;
	uint32_t nat_direction; /* of the flow to come: 0 original, 1 reply */
	uint16_t zone;
	uint16_t unused_half;
	uint32_t unused_words[3];
	uint32_t message; /* where its message begins in what the table keeps */
	uint16_t ports[EXPECT_TUPLES][2]; /* as those of an entry's row */
	uint8_t addresses[EXPECT_TUPLES][2][16];
	char helper[16]; /* ends with NUL */
	uint8_t unused_end[16];
};

static_assert(sizeof(struct expect_row) == sizeof(struct table_row), "expectation");
static_assert(offsetof(struct expect_row, news) == offsetof(struct table_row, news), "news");
static_assert(offsetof(struct expect_row, message) == offsetof(struct table_row, message),
	      "message");
static_assert(offsetof(struct expect_row, ports) == 48, "ports");
static_assert(offsetof(struct expect_row, addresses) == 64, "addresses");
static_assert(offsetof(struct expect_row, helper) == 192, "helper");

struct nlmsghdr;

/* Whether a message is about one, by its header. */
bool is_expectation(const struct nlmsghdr *message);
/* 0, or -1 where the message is not one about an expectation. Reads no byte beyond it. */
int expect_read(struct expect_row *row, const struct nlmsghdr *message);

/*
 * Writes one line with its end, byte for byte that of conntrack(8), to `to`,
 * which has LINE_BYTES: by the library, as there are few. Returns its bytes, or
 * a negative errno.
 */
int expect_line(char *to, const struct nlmsghdr *message, uint32_t form, uint8_t news);

/* A flow that it expects, and a zone. */
void expect_name(struct nlmsghdr *message, const struct expect_row *row);
/* All that a row has and the kernel takes. */
void expect_build(struct nlmsghdr *message, const struct expect_row *row);

#endif
