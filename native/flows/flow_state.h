/* SPDX-License-Identifier: GPL-2.0 */
/* What records about an entry say of it beside its tuples. */
#ifndef CONNTRAIL_FLOW_STATE_H
#define CONNTRAIL_FLOW_STATE_H

#include <linux/types.h>

#include "../../bpf/record.h"
#include "flow_row.h"

#define STATUS_STATE_BITS (1u << 1 | 1u << 2) /* IPS_SEEN_REPLY, IPS_ASSURED */
#define TCP_STATES 10

static inline void copy_state(struct flow_row *row, const struct record *record)
{
	row->netns = record->netns;
	row->mark = record->mark;
	row->family = record->family;
	row->protocol = record->l4proto;
	if (!record->status || record->ktime_ns < row->status_at)
		return;
	row->status = record->status;
	row->status_at = record->ktime_ns;
}

/* As struct flow_row.state has it; 0 where it is not told. */
static inline uint32_t state_of(const struct record *record)
{
	if (record->state > STATE_NO_TCP || record->state == STATE_NOT_TOLD)
		return 0;
	return (uint32_t)record->state << SEEN_STATE | (record->status & STATUS_STATE_BITS);
}

static inline void note_tcp(struct flow_row *row, uint32_t state)
{
	const uint32_t code = (state >> SEEN_STATE & 15) - STATE_TCP;

	if (code >= TCP_STATES)
		return;
	row->tcp_state = code;
	clear_null(row, NULL_TCP_STATE);
}

#endif
