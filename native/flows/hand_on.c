// SPDX-License-Identifier: GPL-2.0
/* Flows that are over leave: their rows, and what they add to the rules that decided about them. */
#include <stdbool.h>
#include <string.h>

#include "read.h"

/* src/libbpf/flows.ts writes it by offset. */
_Static_assert(sizeof(struct hand_on_call) == 120, "layout of hand_on_call");
_Static_assert(sizeof(struct rule_counts) == 40, "layout of rule_counts");

#define STATUS_CONFIRMED (1u << 3)
#define STATUS_SRC_NAT_DONE (1u << 7)
#define STATUS_DST_NAT_DONE (1u << 8)

#define KNOWN_ALL (KNOWN_BOTH | KNOWN_TOLD)

/* Its status shows that it was done, though no record told of it: that was lost. */
static bool mark_unknown(uint32_t status, uint32_t done, uint32_t *code, uint32_t unknown)
{
	if (!(status & done) || *code)
		return false;
	*code = unknown;
	return true;
}

static void complete(struct flow_row *row)
{
	uint32_t codes[3] = { row->confirm, row->nat[0], row->nat[1] };
	const bool lost =
		mark_unknown(row->status, STATUS_CONFIRMED, &codes[0], FLOW_CONFIRM_UNKNOWN) |
		mark_unknown(row->status, STATUS_SRC_NAT_DONE, &codes[1], MAPPING_UNKNOWN) |
		mark_unknown(row->status, STATUS_DST_NAT_DONE, &codes[2], MAPPING_UNKNOWN);

	row->confirm = codes[0];
	row->nat[0] = codes[1];
	row->nat[1] = codes[2];
	row->complete = (row->known & KNOWN_ALL) == KNOWN_ALL && !lost;
}

static void count_for_rules(const struct hand_on_call *call, const struct flow_row *row)
{
	struct rule_counts *all = (struct rule_counts *)(uintptr_t)call->counts;

	for (uint32_t manip = 0; manip < 2; manip++) {
		struct rule_counts *counts;

		if (is_null(row, NULL_SRC_RULE + manip))
			continue;
		counts = all + row->rule[manip] - 1;
		counts->flows++;
		for (uint32_t direction = 0; direction < 2; direction++) {
			counts->packets[direction] += (double)row->packets[direction];
			counts->bytes[direction] += (double)row->bytes[direction];
		}
	}
}

uint32_t flows_hand_on(struct hand_on_call *call)
{
	uint32_t *out = (uint32_t *)(uintptr_t)call->out;

	for (call->rows = 0;; call->rows++) {
		const int32_t slot = call->table.head[call->queue];
		struct flow_row *row = slot < 0 ? NULL : row_at(&call->table, slot);

		if (!row || row->last_at >= call->before)
			return HANDED_ON_ALL;
		if (call->rows == call->room)
			return HANDED_ON_FULL;
		if ((row->staged & ~1u) == call->turn)
			return HANDED_ON_STAGED;
		complete(row);
		count_for_rules(call, row);
		memcpy(out + (uint64_t)call->rows * FLOW_ROW_WORDS, row, FLOW_ROW_WORDS * 4);
		flow_give(&call->table, slot);
	}
}
