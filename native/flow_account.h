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

static inline void add(int32_t *flow, uint32_t word, uint64_t more)
{
	uint64_t sum;

	memcpy(&sum, flow + word, sizeof(sum));
	sum += more;
	memcpy(flow + word, &sum, sizeof(sum));
}

static inline void count(const struct fill *fill, int32_t *flow, const struct record *record,
			 bool reply, bool is_mapped)
{
	const struct flow_words *word = &fill->flow;

	add(flow, word->packets[reply], 1);
	add(flow, word->bytes[reply], bytes_of(record));
	if (record->traversal.seen >> SEEN_CHAINS & 31)
		add(flow, word->chain_packets, 1);
	if (is_mapped)
		add(flow, word->mapped_packets, 1);
}

/*
 * Two packets of one entry may be under way together: the state is read before
 * the record is sent, so that one sent later may show what was before. It is
 * not believed; if it is true after all, the next packet shows it, too.
 */
static __attribute__((noinline)) void note_change(struct fill *fill, int32_t *flow, uint32_t index,
						  const struct record *record, uint32_t state)
{
	struct change *change = (struct change *)(uintptr_t)fill->changes + fill->changed;
	const struct flow_words *word = &fill->flow;
	uint64_t changed_at;

	memcpy(&changed_at, flow + word->changed_at, sizeof(changed_at));
	if (record->traversal.started_ns < changed_at &&
	    state == (uint32_t)flow[word->state_before])
		return;
	*change = (struct change){ index, (uint32_t)flow[word->state], state };
	fill->changed++;
	flow[word->state_before] = flow[word->state];
	flow[word->state] = (int32_t)state;
	memcpy(flow + word->changed_at, &record->ktime_ns, sizeof(record->ktime_ns));
}

static inline void note_status(struct fill *fill, int32_t *flow, uint32_t index,
			       const struct record *record)
{
	const uint32_t told = record->traversal.seen & STATE_BITS;
	const uint32_t state = told | (record->status & STATUS_STATE_BITS);
	uint64_t before;

	if (!record->status)
		return;
	if (told && state != (uint32_t)flow[fill->flow.state])
		note_change(fill, flow, index, record, state);
	memcpy(&before, flow + fill->flow.status_at, sizeof(before));
	if (record->ktime_ns < before)
		return;
	flow[fill->flow.status] = record->status;
	memcpy(flow + fill->flow.status_at, &record->ktime_ns, sizeof(record->ktime_ns));
}

#endif
