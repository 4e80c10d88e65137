// SPDX-License-Identifier: GPL-2.0
/* An entry leaves the table, or the trace ends before it does: RECORD_END. */
#include <stdbool.h>

#include "flow_state.h"
#include "flow_tuples.h"
#include "read.h"

/* Does the end of an entry tell its tuple anew, while packets wait that take theirs from it? */
static bool is_taught(const struct read_call *call, const struct flow_row *row,
		      const struct record *record)
{
	const struct flow_tuple *known = &row->tuple[0];

	if (row->staged != call->mark)
		return false;
	return !(row->known & KNOWN_ORIGINAL) || memcmp(known->src, record->src, 16) ||
	       memcmp(known->dst, record->dst, 16) || known->src_port != record->src_port ||
	       known->dst_port != record->dst_port;
}

/* What conntrack counted since the entry began: of one that is older that is not the trace's. */
static void account(struct read_call *call, struct flow_row *row, const struct record *record)
{
	if (row->older)
		return;
	row->packets[0] = record->counted[0];
	row->bytes[0] = record->counted[1];
	row->packets[1] = record->counted[2];
	row->bytes[1] = record->counted[3];
	call->accounts = 1;
}

static enum flow_end end_of(const struct record *record)
{
	if (record->flags & END_UNCONFIRMED)
		return FLOW_NEVER_CONFIRMED;
	if (record->flags & END_EVICTED)
		return FLOW_EVICTED;
	return (int32_t)record->remaining > 0 ? FLOW_DELETED : FLOW_EXPIRED;
}

int flow_ended(struct read_call *call, const struct record *record)
{
	const bool accounted = record->flags & END_ACCOUNTED;
	struct flow_row *row;
	int32_t slot;

	if (!record->flow)
		return false;
	slot = flow_find(&call->table, record->flow);
	row = slot < 0 ? NULL : row_at(&call->table, slot);
	if (!row || (!accounted && is_taught(call, row, record)))
		return false; /* of one that is not known nothing more comes: the other way will do */
	row->last_at = record->ktime_ns;
	copy_state(row, record);
	note_tcp(row, state_of(record));
	if (accounted) {
		account(call, row, record);
	} else {
		copy_tuple(&row->tuple[0], record);
		note_tuples(row, KNOWN_ORIGINAL);
	}
	if (record->flags & END_OPEN)
		return true;
	row->ended_at = record->ktime_ns;
	clear_null(row, NULL_ENDED_AT);
	row->end = end_of(record);
	flow_touch(&call->table, slot, QUEUE_CLOSING);
	return true;
}
