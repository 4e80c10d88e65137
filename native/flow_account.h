// SPDX-License-Identifier: GPL-2.0
/* What a packet adds to its flow: counts, the entry's status, and a change of its state. */
#ifndef CONNTRAIL_FLOW_ACCOUNT_H
#define CONNTRAIL_FLOW_ACCOUNT_H

#include <linux/types.h>
#include <stdbool.h>
#include <string.h>

#include "../bpf/record.h"
#include "columns.h"

#define STATE_BITS (15u << SEEN_STATE)
#define STATUS_STATE_BITS (1u << 1 | 1u << 2) /* IPS_SEEN_REPLY, IPS_ASSURED */

static inline uint32_t bytes_of(const struct record *record)
{
	return record->traversal.len & LENGTH_MASK;
}

static inline void count(struct flow_row *flow, const struct record *record, bool reply,
			 bool is_mapped)
{
	flow->packets[reply]++;
	flow->bytes[reply] += bytes_of(record);
	if (record->traversal.seen >> SEEN_CHAINS & 31)
		flow->chain_packets++;
	if (is_mapped)
		flow->mapped_packets++;
}

/*
 * Two packets of one entry may be under way together: the state is read before
 * the record is sent, so that one sent later may show what was before. It is
 * not believed; if it is true after all, the next packet shows it, too.
 */
static __attribute__((noinline)) void note_change(struct fill *fill, struct flow_row *flow,
						  uint32_t index, const struct record *record,
						  uint32_t state)
{
	struct change *change = (struct change *)(uintptr_t)fill->changes + fill->changed;

	if (record->traversal.started_ns < flow->changed_at && state == flow->state_before)
		return;
	*change = (struct change){ index, flow->state, state };
	fill->changed++;
	flow->state_before = flow->state;
	flow->state = state;
	flow->changed_at = record->ktime_ns;
}

static inline void note_status(struct fill *fill, struct flow_row *flow, uint32_t index,
			       const struct record *record)
{
	const uint32_t told = record->traversal.seen & STATE_BITS;
	const uint32_t state = told | (record->status & STATUS_STATE_BITS);

	if (!record->status)
		return;
	if (told && state != flow->state)
		note_change(fill, flow, index, record, state);
	if (record->ktime_ns < flow->status_at)
		return;
	flow->status = record->status;
	flow->status_at = record->ktime_ns;
}

#endif
