// SPDX-License-Identifier: GPL-2.0
#include "columns.h"

#include <linux/types.h>
#include <stdbool.h>
#include <string.h>

#include "../bpf/record.h"
#include "flow_account.h"

#define IPPROTO_ICMP 1
#define IPPROTO_ICMPV6 58

/* src/libbpf/columns.ts writes them by offset. */
_Static_assert(sizeof(struct staged) == 16, "layout of staged");
_Static_assert(sizeof(struct change) == 12, "layout of change");
_Static_assert(sizeof(struct fill) == 72 + 4 * (PACKET_COLUMNS + PACKET_COLUMNS % 2) + 512,
	       "layout of fill");

#define ENTRY_TELLS (PACKET_CAME_AS_FLOW | PACKET_LEFT_AS_MAPPED)
#define UNSURE (PACKET_IS_PART | PACKET_IS_TORN)
#define FACT_COMPLETE (1u << 10)

struct address {
	uint32_t words[4];
};

static inline void *column(const struct fill *fill, enum packet_column which)
{
	return (uint8_t *)(uintptr_t)fill->memory + fill->column[which];
}

#define U8(which) ((uint8_t *)column(fill, which))[row]
#define U16(which) ((uint16_t *)column(fill, which))[row]
#define U32(which) ((uint32_t *)column(fill, which))[row]
#define U64(which) ((uint64_t *)column(fill, which))[row]
#define ADDRESS(which) ((struct address *)column(fill, which))[row]

static inline bool is_reply(const struct record *record)
{
	return record->ctinfo == 3 || record->ctinfo == 4; /* IP_CT_*_REPLY */
}

static inline uint16_t segments_of(const struct record *record)
{
	const uint16_t segments = (uint16_t)(record->traversal.len >> LENGTH_BITS);

	return segments ? segments : 1;
}

static inline void fill_plain(const struct fill *fill, uint32_t row, const struct record *record)
{
	U32(COLUMN_NETNS) = record->netns;
	U16(COLUMN_CPU) = record->cpu;
	U8(COLUMN_FAMILY) = record->family;
	U8(COLUMN_PROTOCOL) = record->l4proto;
	U8(COLUMN_LAST_HOOK) = record->hook;
	U8(COLUMN_VERDICT) = record->verdict;
	U32(COLUMN_BYTES) = bytes_of(record);
	U16(COLUMN_SEGMENTS) = segments_of(record);
	U32(COLUMN_MARK) = record->mark;
	U32(COLUMN_IN_IFINDEX) = record->traversal.in_ifindex;
	U32(COLUMN_OUT_IFINDEX) = record->traversal.out_ifindex;
	U64(COLUMN_STARTED_AT) = record->traversal.started_ns + fill->clock_offset;
	U64(COLUMN_STARTED_KTIME) = record->traversal.started_ns;
	U64(COLUMN_ENDED_AT) = record->ktime_ns;
}

/* What is decided elsewhere, and later. */
static inline void fill_empty(const struct fill *fill, uint32_t row)
{
	U8(COLUMN_SRC_NAT) = DECISION_NONE;
	U8(COLUMN_DST_NAT) = DECISION_NONE;
	U8(COLUMN_CONFIRM) = 0;
	U32(COLUMN_DROP_REASON) = 0;
	U32(COLUMN_DROP_LOCATION) = 0;
}

/* Bits of COLUMN_PRESENT: hooks that it was at, and those of which is known how long. */
static inline uint32_t fill_visits(const struct fill *fill, uint32_t row,
				   const struct record *record)
{
	const uint64_t started = record->traversal.started_ns + fill->clock_offset;
	const uint8_t visits =
		record->traversal.visits <= MAX_VISITS ? record->traversal.visits : MAX_VISITS;
	uint32_t present = 0, entered = 0;

	for (int hook = 0; hook < HOOKS; hook++) {
		U64(COLUMN_HOOK_AT + hook) = 0;
		U32(COLUMN_HOOK_NS + hook) = 0;
	}
	for (int visit = 0; visit < visits; visit++) {
		const uint8_t hook = record->traversal.hooks[visit];
		const uint32_t left = record->traversal.at[2 * visit];

		if (visit > 0)
			entered = record->traversal.at[2 * visit - 1];
		if (hook >= HOOKS)
			continue;
		U64(COLUMN_HOOK_AT + hook) = started + entered;
		present |= 1u << (PRESENT_AT + hook);
		if (!left)
			continue;
		U32(COLUMN_HOOK_NS + hook) = left - entered;
		present |= 1u << (PRESENT_NS + hook);
	}
	return present;
}

#define SEEN_QUEUED_BITS (31u << SEEN_QUEUED)

/* Of several hooks the last one on its way. */
static inline uint8_t last_queued(uint32_t seen)
{
	const uint32_t hooks = seen >> SEEN_QUEUED & 31;

	return hooks ? (uint8_t)(31 - __builtin_clz(hooks)) : 0;
}

static inline void fill_codes(const struct fill *fill, uint32_t row, const struct record *record,
			      bool has_flow)
{
	const uint32_t seen = record->traversal.seen;
	const bool ran = record->flags & PACKET_CONNTRACK_RAN;
	uint32_t present = fill_visits(fill, row, record);

	if (seen & SEEN_QUEUED_BITS)
		present |= 1u << PRESENT_QUEUED;
	U8(COLUMN_QUEUED_HOOK) = last_queued(seen);
	present |= (uint32_t)has_flow << PRESENT_FLOW;
	present |= (uint32_t)(record->ctinfo <= 4) << PRESENT_DIRECTION;
	present |= (uint32_t)(record->traversal.in_ifindex != 0) << PRESENT_IN_IFINDEX;
	present |= (uint32_t)(record->traversal.out_ifindex != 0) << PRESENT_OUT_IFINDEX;
	U32(COLUMN_PRESENT) = present;
	U32(COLUMN_FACTS) = seen & 0x3ff; /* SEEN_CHAINS and SEEN_REWRITTEN stand as they shall */
	U8(COLUMN_CHAIN_RUNS) = (uint8_t)__builtin_popcount(seen >> SEEN_CHAINS & 31);
	U8(COLUMN_STATE) = fill->states[ran][record->ctinfo];
	U8(COLUMN_DIRECTION) = is_reply(record);
	U64(COLUMN_FLOW) = has_flow ? record->flow : 0;
}

/* A tuple of the flow: its source and destination, or the other way round. */
static inline void copy_tuple(const struct fill *fill, uint32_t row, enum packet_column to,
			      const struct flow_tuple *from, bool turned)
{
	memcpy(&ADDRESS(to), turned ? from->dst : from->src, sizeof(struct address));
	memcpy(&ADDRESS(to + 1), turned ? from->src : from->dst, sizeof(struct address));
	U16(to + 2) = (uint16_t)(turned ? from->dst_port : from->src_port);
	U16(to + 3) = (uint16_t)(turned ? from->src_port : from->dst_port);
}

/* It came with its entry's tuple of its direction: PACKET_CAME_AS_FLOW. */
static inline void fill_came(const struct fill *fill, uint32_t row, const struct flow_row *flow,
			     bool reply, struct staged *staged)
{
	const uint32_t needed = reply ? KNOWN_REPLY : KNOWN_ORIGINAL;

	if (staged->noted & NOTED_CAME_DONE)
		return;
	if (flow && !(staged->noted & NOTED_CAME_UNKNOWN) && flow->known & needed) {
		copy_tuple(fill, row, COLUMN_SRC, &flow->tuple[reply], false);
		return;
	}
	staged->noted |= NOTED_TORN | NOTED_CAME_UNKNOWN;
	memset(&ADDRESS(COLUMN_SRC), 0, sizeof(struct address));
	memset(&ADDRESS(COLUMN_DST), 0, sizeof(struct address));
	U16(COLUMN_SRC_PORT) = 0;
	U16(COLUMN_DST_PORT) = 0;
}

static inline void leave_as_came(const struct fill *fill, uint32_t row)
{
	ADDRESS(COLUMN_SRC_AFTER) = ADDRESS(COLUMN_SRC);
	ADDRESS(COLUMN_DST_AFTER) = ADDRESS(COLUMN_DST);
	U16(COLUMN_SRC_PORT_AFTER) = U16(COLUMN_SRC_PORT);
	U16(COLUMN_DST_PORT_AFTER) = U16(COLUMN_DST_PORT);
}

/* With the other direction's tuple, turned round; of ICMP the identifier may change, no more. */
static inline void leave_as_mapped(const struct fill *fill, uint32_t row,
				   const struct flow_row *flow, bool reply)
{
	const struct flow_tuple *other = &flow->tuple[!reply];
	const uint8_t protocol = U8(COLUMN_PROTOCOL);

	copy_tuple(fill, row, COLUMN_SRC_AFTER, other, true);
	if (protocol != IPPROTO_ICMP && protocol != IPPROTO_ICMPV6)
		return;
	U16(COLUMN_SRC_PORT_AFTER) = (uint16_t)other->src_port;
	U16(COLUMN_DST_PORT_AFTER) = U16(COLUMN_DST_PORT);
}

static inline void fill_left(const struct fill *fill, uint32_t row, const struct record *record,
			     const struct flow_row *flow, bool reply, struct staged *staged)
{
	const uint32_t needed = reply ? KNOWN_ORIGINAL : KNOWN_REPLY;

	if (staged->noted & NOTED_LEFT_DONE)
		return;
	if (record->flags & PACKET_LEFT_AS_CAME) {
		leave_as_came(fill, row);
	} else if (record->flags & PACKET_LEFT_AS_MAPPED && flow && flow->known & needed) {
		leave_as_mapped(fill, row, flow, reply);
	} else {
		leave_as_came(fill, row);
		staged->noted |= NOTED_TORN | NOTED_LEFT_UNKNOWN;
	}
}

/* How NAT of one end came about: `decided` bit 0 by a rule, bit 1 by the null binding. */
static inline uint8_t decision_of(uint32_t decided, bool is_changed)
{
	if (decided & 1)
		return DECISION_RULE;
	if (decided & 2)
		return DECISION_NULL;
	return is_changed ? DECISION_MAPPING : DECISION_NONE;
}

/* What was decided in it, else what its entry says. False where there is more to say. */
static inline bool decide(const struct fill *fill, uint32_t row, const struct record *record,
			  struct flow_row *flow, bool reply, const struct staged *staged)
{
	const uint32_t seen = record->traversal.seen, decided = seen >> SEEN_DECIDED & 15;
	uint32_t ends = 0;
	uint8_t src, dst;

	if (fill->leave_open || staged->noted || record->flags & UNSURE)
		return false;
	if (!(record->flags & PACKET_LEFT_AS_CAME)) {
		if ((record->flags & ENTRY_TELLS) != ENTRY_TELLS || record->l4proto != flow->protocol)
			return false;
		ends = flow->mapping >> 2 * reply & 3;
	}
	src = decision_of(decided, ends & 2);
	dst = decision_of(decided >> 2, ends & 1);
	U8(COLUMN_SRC_NAT) = src;
	U8(COLUMN_DST_NAT) = dst;
	U8(COLUMN_CONFIRM) = seen >> SEEN_CONFIRM & 3; /* enum record_confirm: the column's codes */
	U32(COLUMN_FACTS) |= FACT_COMPLETE;
	if (flow)
		count(flow, record, reply, src == DECISION_MAPPING || dst == DECISION_MAPPING);
	return true;
}

/* Flows lie anywhere: those of packets a little further on are asked for in time. */
#define AHEAD 8
#define LINE_BYTES 64

static inline struct flow_row *flow_at(const struct fill *fill, int32_t word)
{
	return (struct flow_row *)((uint32_t *)(uintptr_t)fill->flows + word);
}

static inline void ask_for(const struct fill *fill, const struct staged *staged, uint32_t index)
{
	const int32_t at = index + AHEAD < fill->count ? staged[AHEAD].flow : -1;
	const uint8_t *row = (const uint8_t *)flow_at(fill, at);

	if (at < 0)
		return;
	for (uint32_t byte = 0; byte < sizeof(struct flow_row); byte += LINE_BYTES)
		__builtin_prefetch(row + byte, 1);
}

uint32_t columns_fill(struct fill *fill)
{
	const uint32_t *words = (const uint32_t *)(uintptr_t)fill->records;
	struct staged *staged = (struct staged *)(uintptr_t)fill->staged;
	uint32_t open = 0;

	fill->changed = 0;
	for (uint32_t i = 0; i < fill->count; i++, staged++) {
		const struct record *record = (const struct record *)(words + staged->record);
		struct flow_row *flow = staged->flow < 0 ? NULL : flow_at(fill, staged->flow);
		const uint32_t row = fill->first_row + i;
		const bool reply = is_reply(record);

		ask_for(fill, staged, i);
		U64(COLUMN_PACKET) = fill->first_number + i;
		fill_plain(fill, row, record);
		fill_empty(fill, row);
		fill_codes(fill, row, record, flow);
		fill_came(fill, row, flow, reply, staged);
		fill_left(fill, row, record, flow, reply, staged);
		if (flow) /* of open ones, too: the last one stands */
			note_status(fill, flow, i, record);
		if (decide(fill, row, record, flow, reply, staged))
			continue;
		staged->noted |= NOTED_OPEN;
		open++;
	}
	return open;
}
