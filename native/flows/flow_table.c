// SPDX-License-Identifier: GPL-2.0
#include "flow_table.h"

#include <string.h>

#define NONE (-1)

static int32_t *next_of(const struct flow_table *table)
{
	return (int32_t *)(uintptr_t)table->next;
}

static int32_t *previous_of(const struct flow_table *table)
{
	return (int32_t *)(uintptr_t)table->previous;
}

static void link_slot(struct flow_table *table, int32_t slot, enum flow_queue queue)
{
	const int32_t tail = table->tail[queue];

	((uint8_t *)(uintptr_t)table->queue)[slot] = (uint8_t)queue;
	previous_of(table)[slot] = tail;
	next_of(table)[slot] = NONE;
	if (tail == NONE)
		table->head[queue] = slot;
	else
		next_of(table)[tail] = slot;
	table->tail[queue] = slot;
}

static void unlink_slot(struct flow_table *table, int32_t slot)
{
	const uint8_t queue = ((uint8_t *)(uintptr_t)table->queue)[slot];
	const int32_t before = previous_of(table)[slot], after = next_of(table)[slot];

	if (before == NONE)
		table->head[queue] = after;
	else
		next_of(table)[before] = after;
	if (after == NONE)
		table->tail[queue] = before;
	else
		previous_of(table)[after] = before;
}

static void insert(struct flow_table *table, uint64_t number, int32_t slot)
{
	uint32_t place = flow_hash(number);

	while (index_at(table, place)->slot)
		place++;
	*index_at(table, place) = (struct flow_index){ number, (uint32_t)slot + 1, 0 };
	table->used++;
}

/* Moves later entries of the same run back, so that none becomes unreachable. */
static void close_hole(struct flow_table *table, uint32_t hole)
{
	const uint32_t mask = table->mask;

	for (uint32_t place = (hole + 1) & mask;; place = (place + 1) & mask) {
		const struct flow_index *entry = index_at(table, place);
		uint32_t home;

		if (!entry->slot)
			break;
		home = flow_hash(entry->number) & mask;
		if (((place - home) & mask) < ((place - hole) & mask))
			continue;
		*index_at(table, hole) = *entry;
		hole = place;
	}
	*index_at(table, hole) = (struct flow_index){ 0 };
}

static void forget(struct flow_table *table, uint64_t number)
{
	uint32_t hole = flow_hash(number) & table->mask;

	for (;; hole = (hole + 1) & table->mask) {
		const struct flow_index *entry = index_at(table, hole);

		if (!entry->slot)
			return;
		if (entry->number == number)
			break;
	}
	table->used--;
	close_hole(table, hole);
}

int32_t flow_take(struct flow_table *table, uint64_t number)
{
	int32_t slot = table->free;

	/* the index keeps half of its places free, as address-table.ts does */
	if (table->count == (int32_t)table->limit || (table->used + 1) * 2 > table->mask)
		return -1;
	if (slot == NONE) {
		slot = table->fresh++;
	} else {
		table->free = next_of(table)[slot];
		memset(row_at(table, slot), 0, sizeof(struct flow_row));
	}
	table->count++;
	link_slot(table, slot, QUEUE_OPEN);
	insert(table, number, slot);
	return slot;
}

void flow_give(struct flow_table *table, int32_t slot)
{
	forget(table, row_at(table, slot)->number);
	unlink_slot(table, slot);
	next_of(table)[slot] = table->free;
	table->free = slot;
	table->count--;
}

void flow_touch(struct flow_table *table, int32_t slot, enum flow_queue queue)
{
	unlink_slot(table, slot);
	link_slot(table, slot, queue);
}
