/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One entry of the conntrack table in a fixed size: what user space filters,
 * sorts and changes by. Numbers are in host order, addresses in network order.
 * src/model/entry-row.ts reads it by 32-bit words: test/table/entry-row.test.ts.
 */
#ifndef CONNTRAIL_TABLE_ROW_H
#define CONNTRAIL_TABLE_ROW_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* Which fields a row has; a message need not have all of them. */
enum row_has {
	ROW_STATUS = 1u << 0,
	ROW_TIMEOUT = 1u << 1,
	ROW_MARK = 1u << 2,
	ROW_ID = 1u << 3,
	ROW_USE = 1u << 4,
	ROW_ZONE = 1u << 5,
	ROW_ZONE_ORIG = 1u << 6,
	ROW_ZONE_REPLY = 1u << 7,
	ROW_ORIG = 1u << 8,	   /* addresses of the original tuple */
	ROW_REPLY = 1u << 9,	   /* addresses of the reply tuple */
	ROW_ORIG_PORTS = 1u << 10, /* ports, ICMP id, type and code, or GRE keys */
	ROW_REPLY_PORTS = 1u << 11,
	ROW_ORIG_COUNTS = 1u << 12,
	ROW_REPLY_COUNTS = 1u << 13,
	ROW_START = 1u << 14,
	ROW_STOP = 1u << 15,
	ROW_LABELS = 1u << 16,
	ROW_HELPER = 1u << 17,
	ROW_STATE = 1u << 18,
	ROW_VTAGS = 1u << 19,
	ROW_ROLE = 1u << 20,
	ROW_MASTER = 1u << 21,	    /* the message names the entry that expected it */
	ROW_SRC_NAT = 1u << 22,	    /* to be made: manip src, towards the reply destination */
	ROW_DST_NAT = 1u << 23,	    /* to be made: manip dst, towards the reply source */
	ROW_LABELS_MASK = 1u << 24, /* to be changed: these labels alone */
	ROW_MORE = 1u << 25,	    /* the message has a security context, or a longer name */
};

/* What a message of the kernel's says; a row of a listing has none. */
enum row_news { ROW_LISTED, ROW_NEW, ROW_UPDATE, ROW_DESTROY };

struct table_row {
	uint8_t family; /* 4, 6 */
	uint8_t protocol;
	uint8_t state; /* of TCP, SCTP or DCCP */
	uint8_t news;  /* enum row_news */
	uint32_t has;  /* enum row_has */
	uint32_t status;
	uint32_t timeout_s;
	uint32_t mark;
	uint32_t id;
	uint32_t use;
	uint16_t zone;
	uint16_t zone_orig;
	uint16_t zone_reply;
	uint8_t role; /* of DCCP */
	uint8_t unused;
	uint16_t ports[2][2]; /* by direction: source, destination; ICMP: id, type * 256 + code */
	uint32_t message;     /* where its message begins in what the table keeps */
	uint8_t addresses[2][2][16]; /* by direction: source, destination; IPv4 as IPv4-mapped */
	uint64_t packets[2];
	uint64_t bytes[2];
	uint64_t start_ns; /* since 1970 UTC */
	uint64_t stop_ns;
	uint8_t labels[16];
	char helper[16]; /* ends with NUL */
	uint32_t vtags[2]; /* of SCTP, as conntrack(8) shows them: read as this machine's numbers */
	uint8_t labels_mask[16];
	uint64_t unused_end;
};

static_assert(sizeof(struct table_row) == 224, "row");
static_assert(offsetof(struct table_row, ports) == 36, "ports");
static_assert(offsetof(struct table_row, addresses) == 48, "addresses");
static_assert(offsetof(struct table_row, packets) == 112, "packets");
static_assert(offsetof(struct table_row, start_ns) == 144, "start");
static_assert(offsetof(struct table_row, labels) == 160, "labels");
static_assert(offsetof(struct table_row, vtags) == 192, "vtags");
static_assert(offsetof(struct table_row, labels_mask) == 200, "labels mask");
/* Rows cross to TypeScript as they lie in memory. */
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "byte order");

struct nlmsghdr;
struct nlattr;

/* 0, or -1 where the message is not one about an entry. Reads no byte beyond the message. */
int row_read(struct table_row *row, const struct nlmsghdr *message);
/* One tuple of it, also of messages about other things. */
void row_read_tuple(struct table_row *row, int direction, const struct nlattr *nest);

#endif
