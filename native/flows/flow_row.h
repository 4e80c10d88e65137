/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A flow in the making: its row of the table `flows`, word by word as
 * src/model/row-layout.ts has it, and behind it what is known of it beside.
 * The memory is the caller's. test/rebuild/flow-row.test.ts holds the two
 * sides to each other.
 */
#ifndef CONNTRAIL_FLOW_ROW_H
#define CONNTRAIL_FLOW_ROW_H

#include <stdint.h>

#define FLOW_ROW_WORDS 72 /* of the row alone */

/* Addresses in network byte order, ports in the machine's; in the row each has a word of its own. */
struct flow_tuple {
	uint32_t src[4], dst[4];
	uint32_t src_port, dst_port;
};

struct flow_row {
	uint32_t nulls[2]; /* bit i: column i is null */
	uint64_t number;
	uint32_t netns, zone, family, protocol;
	struct flow_tuple tuple[2]; /* original, reply */
	uint32_t mark, status;
	uint32_t older;
	uint64_t first_at, first_ktime; /* CLOCK_MONOTONIC, as all times here */
	uint64_t confirmed_at, ended_at;
	uint32_t confirm, end; /* enum flow_confirm, enum flow_end */
	uint32_t nat[2];       /* enum flow_mapping: src, dst */
	uint64_t packets[2], bytes[2]; /* per direction */
	uint64_t chain_packets, mapped_packets;
	uint64_t entry;
	uint32_t complete;
	uint32_t rule[2]; /* src, dst */
	uint64_t replied_at, assured_at;
	uint32_t tcp_state;
	uint64_t established_at, handshake_ns, parent;
	uint32_t zone_direction;
	/* From here on no column. */
	uint64_t last_at;   /* time of the last record about it */
	uint32_t known;     /* enum flow_known */
	uint32_t staged;    /* turn of the stage in which a packet of it waits */
	uint32_t mapping;   /* which ends NAT changes: bit 0 dst, bit 1 src; of replies bits 2 and 3 */
	uint64_t status_at; /* time of the record that told its status last */
	uint32_t state;     /* IPS_SEEN_REPLY and IPS_ASSURED, and enum record_state from bit 16 on; 0 none yet */
	uint32_t state_before;
	uint64_t changed_at; /* time of the record that told the state's last change */
	uint64_t begun_at;
} __attribute__((packed, aligned(4)));

/* Columns that may be null, by index. */
enum flow_null {
	NULL_CONFIRMED_AT = 18,
	NULL_ENDED_AT = 19,
	NULL_SRC_RULE = 32, /* and dst */
	NULL_TCP_STATE = 36,
	NULL_COLUMNS_LOW = 1u << 18 | 1u << 19,
	/* rules, replied_at, assured_at, tcp_state, established_at, handshake_ns, parent */
	NULL_COLUMNS_HIGH = 0xff,
};

enum flow_known {
	KNOWN_ORIGINAL = 1,
	KNOWN_REPLY = 2,
	KNOWN_BOTH = 3,
	KNOWN_CONFIRM = 4,
	KNOWN_TOLD = 8,
};

/* Codes of src/model/codes.ts. */
enum flow_confirm {
	FLOW_NOT_CONFIRMED = 0,
	FLOW_INSERTED = 1,
	FLOW_REFUSED = 2,
	FLOW_CONFIRM_OLDER = 4,
	FLOW_CONFIRM_UNKNOWN = 5,
};

enum flow_end {
	FLOW_DELETED = 1,
	FLOW_EXPIRED = 2,
	FLOW_NEVER_CONFIRMED = 3,
	FLOW_EVICTED = 5,
};

enum flow_mapping {
	MAPPING_NONE = 0,
	MAPPING_RULE = 1,
	MAPPING_NULL = 2,
	MAPPING_OLDER = 3,
	MAPPING_UNKNOWN = 4,
};

static inline void clear_null(struct flow_row *row, uint32_t column)
{
	row->nulls[column >> 5] &= ~(1u << (column & 31));
}

static inline int is_null(const struct flow_row *row, uint32_t column)
{
	return row->nulls[column >> 5] >> (column & 31) & 1;
}

#pragma GCC visibility push(default)

/* For the test: word of a column of `flows`, in the table's order, then of what follows; ~0 behind the last. */
uint32_t flow_row_word(uint32_t index);

#pragma GCC visibility pop

#endif
