// SPDX-License-Identifier: GPL-2.0
#include "read.h"

#include <stdbool.h>

#include "../columns.h"

/* src/libbpf/flows.ts writes them by offset. */
_Static_assert(sizeof(struct flow_table) == 80, "layout of flow_table");
_Static_assert(sizeof(struct read_call) == 152, "layout of read_call");
_Static_assert(sizeof(struct known_rule) == 24, "layout of known_rule");
_Static_assert(sizeof(struct packet_place) == 16, "layout of packet_place");

#define RECORD_WORDS (sizeof(struct record) / 4)
#define HOOK_PREROUTING 0
#define HOOK_OUTPUT 3

/* How a packet left stands in its entry, or is how it came. */
#define LEFT_BY_ENTRY (PACKET_LEFT_AS_CAME | PACKET_LEFT_AS_MAPPED)
#define CAME_PLAINLY (PACKET_CAME_AS_FLOW | PACKET_HAD_ENTRY)

/* Flows lie anywhere: those of records a little further on are asked for in time. */
#define AHEAD 6

static inline const struct record *record_at(const struct read_call *call, uint32_t at)
{
	return (const struct record *)((const uint32_t *)(uintptr_t)call->records + at);
}

static inline void ask_for(const struct read_call *call, uint32_t at)
{
	if (at + AHEAD * RECORD_WORDS < call->end)
		__builtin_prefetch(index_at(&call->table,
					    flow_hash(record_at(call, at + AHEAD * RECORD_WORDS)->flow)));
}

static inline bool is_plain(const struct record *record)
{
	const uint8_t hook = record->traversal.hooks[0];

	return (hook == HOOK_PREROUTING || hook == HOOK_OUTPUT) &&
	       (record->flags & CAME_PLAINLY) == PACKET_CAME_AS_FLOW &&
	       record->flags & LEFT_BY_ENTRY;
}

static inline struct packet_place *place_of(const struct read_call *call, uint64_t skb)
{
	const uint32_t place = (uint32_t)skb * 0x9e3779b1u >> 16;

	return (struct packet_place *)(uintptr_t)call->places + place;
}

/* As Packets.saw() would. */
static bool stage(struct read_call *call, const struct record *record, uint32_t at)
{
	struct staged *staged = (struct staged *)(uintptr_t)call->staged + call->count;
	struct packet_place *place;
	struct flow_row *row;
	int32_t slot;

	if (!(call->flags & READ_PACKETS) || !call->room || !is_plain(record) || !record->flow)
		return false;
	slot = flow_find(&call->table, record->flow);
	if (slot < 0)
		return false;
	row = row_at(&call->table, slot);
	row->last_at = record->ktime_ns;
	row->staged = call->mark;
	*staged = (struct staged){ at, slot * (int32_t)(sizeof(*row) / 4), 0, 0 };
	call->count++;
	call->room--;
	place = place_of(call, record->skb);
	place->skb = record->skb;
	place->number = ++call->begun;
	return true;
}

static inline bool read_record(struct read_call *call, const struct record *record, uint32_t at)
{
	switch (record->kind) {
	case RECORD_TRAVERSAL:
		return stage(call, record, at);
	case RECORD_FLOW:
		return flow_told(call, record);
	case RECORD_END:
		return flow_ended(call, record);
	default:
		return false;
	}
}

uint32_t flows_read(struct read_call *call)
{
	uint32_t at = call->at;

	for (; at < call->end; at += RECORD_WORDS) {
		ask_for(call, at);
		if (!read_record(call, record_at(call, at), at))
			break;
	}
	return at;
}
