/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Traversal records laid out as columns of the table `packets`: what stands in
 * the record, and what it leaves to its entry: tuples and, of a packet of which
 * all is known, what was decided in it and what the entry's mapping does to it.
 * All other packets are left open, for the caller to decide.
 *
 * All columns of a batch are in one piece of memory, each at its own offset,
 * by row, in the byte order of the machine; addresses as in struct record.
 * Which row a record fills, and which flow it belongs to, the caller says.
 */
#ifndef CONNTRAIL_COLUMNS_H
#define CONNTRAIL_COLUMNS_H

#include <stdint.h>

#include "flows/flow_row.h"

#pragma GCC visibility push(default)

#define HOOKS 5

/* The order of struct fill.column; src/rebuild/packet-layout.ts has the same. */
enum packet_column {
	COLUMN_PACKET,	/* u64: its number */
	COLUMN_NETNS,	/* u32 */
	COLUMN_CPU,	/* u16 */
	COLUMN_FLOW,	/* u64, 0 where its flow is not known */
	COLUMN_DIRECTION, /* u8: 1 reply */
	COLUMN_STATE,	/* u8: as struct fill.states says */
	COLUMN_FAMILY,	/* u8 */
	COLUMN_PROTOCOL, /* u8 */
	COLUMN_SRC,	/* 16 bytes each, and ports u16 */
	COLUMN_DST,
	COLUMN_SRC_PORT,
	COLUMN_DST_PORT,
	COLUMN_SRC_AFTER,
	COLUMN_DST_AFTER,
	COLUMN_SRC_PORT_AFTER,
	COLUMN_DST_PORT_AFTER,
	COLUMN_BYTES,	/* u32 */
	COLUMN_MARK,	/* u32 */
	COLUMN_IN_IFINDEX, /* u32 */
	COLUMN_OUT_IFINDEX,
	COLUMN_STARTED_AT, /* u64: wall clock, ns */
	COLUMN_STARTED_KTIME, /* u64: CLOCK_MONOTONIC, ns */
	COLUMN_HOOK_AT,	/* u64, wall clock, one per hook; 0 where it was not there */
	COLUMN_HOOK_NS = COLUMN_HOOK_AT + HOOKS, /* u32: how long it was there, 0 where not known */
	COLUMN_LAST_HOOK = COLUMN_HOOK_NS + HOOKS, /* u8 */
	COLUMN_VERDICT,	/* u8 */
	COLUMN_SRC_NAT,	/* u8 each: enum decision */
	COLUMN_DST_NAT,
	COLUMN_CHAIN_RUNS, /* u8 */
	COLUMN_CONFIRM,	/* u8: enum record_confirm, 0 in rows left open */
	COLUMN_DROP_REASON, /* u32 each, set to 0 */
	COLUMN_DROP_LOCATION,
	COLUMN_FACTS,	/* u32: bits 0..4 a nat chain ran at the hook, 5..9 rewritten there, 10 complete */
	COLUMN_PRESENT,	/* u32: enum present */
	COLUMN_ENDED_AT, /* u64: CLOCK_MONOTONIC of the record */
	COLUMN_QUEUED_HOOK, /* u8 */
	COLUMN_SEGMENTS, /* u16 */
	PACKET_COLUMNS,
};

/* Codes of src/model/codes.ts. */
enum decision {
	DECISION_NONE = 0,
	DECISION_RULE = 1,
	DECISION_MAPPING = 2,
	DECISION_NULL = 3,
};

/* Bits of COLUMN_PRESENT: the row has a value. Per hook at its number. */
enum present {
	PRESENT_AT = 0,
	PRESENT_NS = 5,
	PRESENT_FLOW = 10,
	PRESENT_DIRECTION = 11,
	PRESENT_IN_IFINDEX = 12,
	PRESENT_OUT_IFINDEX = 13,
	PRESENT_QUEUED = 15, /* 14 is the caller's */
};

/* Bits of struct staged.noted. */
enum noted {
	NOTED_CAME_DONE = 1 << 0, /* in: the tuple is in its column already */
	NOTED_LEFT_DONE = 1 << 1,
	NOTED_TORN = 1 << 2,	     /* out: something of the packet is missing */
	NOTED_LEFT_UNKNOWN = 1 << 3, /* out */
	NOTED_CAME_UNKNOWN = 1 << 4, /* in, out: what says so was lost */
	NOTED_OPEN = 1 << 5,	     /* out: not decided, not complete, not counted */
};

/* A record that waits for its row; rows follow each other. */
struct staged {
	uint32_t record; /* where it begins, in 32-bit words of struct fill.records */
	int32_t flow;	 /* word of struct fill.flows where its struct flow_row begins, -1 for none */
	uint32_t noted;	 /* enum noted */
	uint32_t late;	 /* the caller's */
};

/* A record that shows an entry in another state than the one before did. */
struct change {
	uint32_t index;	 /* among the staged ones */
	uint32_t before; /* as in struct flow_row.state */
	uint32_t after;
};

struct fill {
	uint64_t records; /* addresses of the caller's memory */
	uint64_t staged;
	uint64_t flows; /* struct flow_row, by word */
	uint64_t memory;	/* of the batch */
	uint64_t clock_offset;	/* wall clock minus CLOCK_MONOTONIC, ns */
	uint64_t first_number;	/* of the packet in the first row */
	uint64_t changes;	/* out: struct change, room for as many as are staged */
	uint32_t first_row;
	uint32_t count;
	uint32_t leave_open;	/* all of them */
	uint32_t changed;	/* out: so many changes */
	uint32_t column[PACKET_COLUMNS + PACKET_COLUMNS % 2]; /* offset in memory, bytes */
	uint8_t states[2][256]; /* by whether conntrack ran, and by ctinfo */
};

/*
 * Fills the rows of the staged records, every column of them, tells their flows
 * the entry's status and state, and counts them there; lists the changes of
 * state. Returns how many are left open.
 */
uint32_t columns_fill(struct fill *fill);

/* One bit of a word per row, packed: least significant bit first. */
struct packed {
	uint32_t words; /* offset in memory of the column of 32-bit words */
	uint32_t bit;
	uint32_t bits;	/* offset in memory of what is packed: (rows + 7) / 8 bytes */
	uint32_t set;	/* out: rows whose bit is set */
};

struct pack {
	uint64_t memory;
	uint32_t rows;
	uint32_t count; /* of `packed` */
	struct packed packed[];
};

/* Fills the bits, and `set`. Bits past the last row are 0. */
void columns_pack(struct pack *pack);

#pragma GCC visibility pop

#endif
