/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Flows found by their number, in memory of the caller, who grows the index and
 * makes room: src/rebuild/slots.ts and address-table.ts have the same on the
 * other side, and both work on it in turn.
 */
#ifndef CONNTRAIL_FLOW_TABLE_H
#define CONNTRAIL_FLOW_TABLE_H

#include "flow_row.h"

enum flow_queue {
	QUEUE_OPEN = 0,
	QUEUE_CLOSING = 1, /* ended: it waits a little for packets under way */
	QUEUES,
};

/* Open addressing with linear probing. */
struct flow_index {
	uint64_t number;
	uint32_t slot; /* and one; 0: free */
	uint32_t unused;
};

struct flow_table {
	uint64_t rows; /* addresses: struct flow_row, `limit` of them */
	uint64_t next, previous; /* int32_t of each slot, -1 for none */
	uint64_t queue;		 /* uint8_t of each slot */
	uint64_t index;		 /* struct flow_index, mask + 1 of them */
	uint32_t mask, used;
	uint32_t limit;
	int32_t count;
	int32_t free;  /* first of the slots that were given back, -1 for none */
	int32_t fresh; /* the next one that was never used */
	int32_t head[QUEUES], tail[QUEUES];
};

static inline struct flow_row *row_at(const struct flow_table *table, int32_t slot)
{
	return (struct flow_row *)(uintptr_t)table->rows + slot;
}

static inline uint32_t flow_hash(uint64_t number)
{
	const uint32_t low = (uint32_t)number, high = (uint32_t)(number >> 32);
	const uint32_t mixed = (low ^ high * 0x9e3779b1u) * 0x85ebca6bu;

	return mixed ^ mixed >> 15;
}

static inline struct flow_index *index_at(const struct flow_table *table, uint32_t place)
{
	return (struct flow_index *)(uintptr_t)table->index + (place & table->mask);
}

/* The slot of a flow, or -1. */
static inline int32_t flow_find(const struct flow_table *table, uint64_t number)
{
	for (uint32_t place = flow_hash(number);; place++) {
		const struct flow_index *entry = index_at(table, place);

		if (!entry->slot)
			return -1;
		if (entry->number == number)
			return (int32_t)entry->slot - 1;
	}
}

/* A zeroed slot for a flow that is not there yet, open; -1: somebody must make room first. */
int32_t flow_take(struct flow_table *table, uint64_t number);

/* Forgets a flow; its slot is free. */
void flow_give(struct flow_table *table, int32_t slot);

/* To the young end of a queue. */
void flow_touch(struct flow_table *table, int32_t slot, enum flow_queue queue);

#endif
