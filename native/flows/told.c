// SPDX-License-Identifier: GPL-2.0
/* What a record about an entry says of it, into its flow: RECORD_FLOW. */
#include <stdbool.h>

#include "flow_state.h"
#include "flow_tuples.h"
#include "read.h"

/* Bits of nf_conn.status. */
#define STATUS_SRC_NAT (1u << 4)
#define STATUS_DST_NAT (1u << 5)
#define STATUS_SRC_NAT_DONE (1u << 7)
#define STATUS_DST_NAT_DONE (1u << 8)

#define NF_ACCEPT 1

#define RULE_HOOK_SHIFT (RULE_NUMBER_BITS + RULE_TABLE_BITS)
#define RULE_KIND_SHIFT (RULE_HOOK_SHIFT + RULE_HOOK_BITS)
#define RULE_HOOK_MASK (((1ull << RULE_HOOK_BITS) - 1) << RULE_HOOK_SHIFT)

/* The number of the rule in a word, 0 for none, -1 where it is not known yet. */
static int32_t rule_number(const struct read_call *call, const struct record *record, uint64_t word)
{
	const struct known_rule *rules = (const struct known_rule *)(uintptr_t)call->rules;
	const uint32_t kind = (uint32_t)(word >> RULE_KIND_SHIFT);
	const uint32_t family = kind == RULE_LEGACY ? record->family : 0;

	if (kind != RULE_NFT && kind != RULE_LEGACY)
		return 0;
	word &= ~RULE_HOOK_MASK;
	for (uint32_t i = 0; i < call->rule_count; i++)
		if (rules[i].word == word && rules[i].netns == record->netns &&
		    rules[i].family == family)
			return (int32_t)rules[i].number;
	return -1;
}

/* A flow that begins shows no change yet: its first packet's record will. */
static void note_state(struct flow_row *row, const struct record *record)
{
	const uint32_t state = state_of(record);

	if (!state)
		return;
	note_tcp(row, state);
	if (row->state || record->flags & FLOW_CONFIRM_RAN)
		return;
	row->state_before = 0;
	row->state = state;
	row->changed_at = record->ktime_ns;
}

static void note_decided(struct flow_row *row, uint16_t flags)
{
	if (flags & FLOW_SRC_RULE)
		row->nat[0] = MAPPING_RULE;
	else if (flags & FLOW_SRC_NULL)
		row->nat[0] = MAPPING_NULL;
	if (flags & FLOW_DST_RULE)
		row->nat[1] = MAPPING_RULE;
	else if (flags & FLOW_DST_NULL)
		row->nat[1] = MAPPING_NULL;
}

static void note_confirm(struct flow_row *row, const struct record *record)
{
	row->known |= KNOWN_CONFIRM;
	row->confirm = record->verdict == NF_ACCEPT ? FLOW_INSERTED : FLOW_REFUSED;
	if (record->verdict != NF_ACCEPT)
		return;
	row->confirmed_at = record->ktime_ns;
	clear_null(row, NULL_CONFIRMED_AT);
}

static uint32_t older_mapping(uint32_t status, uint32_t nat, uint32_t done)
{
	if (status & nat)
		return MAPPING_OLDER;
	return status & done ? MAPPING_NULL : MAPPING_NONE;
}

/* It was there before the trace: what was decided about it is in its status alone. */
static void mark_older(struct flow_row *row)
{
	if (row->older || row->confirm != FLOW_NOT_CONFIRMED)
		return;
	row->older = 1;
	row->confirm = FLOW_CONFIRM_OLDER;
	if (row->nat[0] == MAPPING_NONE)
		row->nat[0] = older_mapping(row->status, STATUS_SRC_NAT, STATUS_SRC_NAT_DONE);
	if (row->nat[1] == MAPPING_NONE)
		row->nat[1] = older_mapping(row->status, STATUS_DST_NAT, STATUS_DST_NAT_DONE);
}

static struct flow_row *begin(struct read_call *call, const struct record *record)
{
	const int32_t slot = flow_take(&call->table, record->flow);
	struct flow_row *row;

	if (slot < 0)
		return NULL;
	row = row_at(&call->table, slot);
	row->number = record->flow;
	row->first_at = row->first_ktime = record->ktime_ns;
	row->netns = record->netns;
	row->nulls[0] = NULL_COLUMNS_LOW;
	row->nulls[1] = NULL_COLUMNS_HIGH;
	return row;
}

static void note_rules(struct flow_row *row, const int32_t *rules)
{
	for (uint32_t manip = 0; manip < 2; manip++) {
		if (!rules[manip])
			continue;
		row->rule[manip] = (uint32_t)rules[manip];
		clear_null(row, NULL_SRC_RULE + manip);
	}
}

/* The tuples, when it began, and which rules decided. */
static void note_told(struct flow_row *row, const struct record *record, const int32_t *rules)
{
	const bool is_reply = record->flags & FLOW_REPLY;

	if (record->flags & FLOW_BOTH) {
		copy_both(row, record);
		note_tuples(row, KNOWN_BOTH);
	} else {
		copy_tuple(&row->tuple[is_reply], record);
		note_tuples(row, is_reply ? KNOWN_REPLY : KNOWN_ORIGINAL);
	}
	if (record->flags & FLOW_RULES) {
		note_rules(row, rules);
		return;
	}
	row->entry = record->entry;
	row->first_at = row->first_ktime = record->first_ns;
}

int flow_told(struct read_call *call, const struct record *record)
{
	const bool changes = call->flags & READ_CHANGES && record->flags & FLOW_CONFIRM_RAN;
	int32_t rules[2] = { 0, 0 }, slot;
	struct flow_row *row;

	if (record->flags & (FLOW_MERGED | FLOW_PARENT) || changes || !record->flow)
		return false;
	if (record->flags & FLOW_RULES) {
		rules[0] = rule_number(call, record, record->src_rule);
		rules[1] = rule_number(call, record, record->dst_rule);
	}
	if (rules[0] < 0 || rules[1] < 0)
		return false;
	slot = flow_find(&call->table, record->flow);
	row = slot < 0 ? begin(call, record) : row_at(&call->table, slot);
	if (!row || row->staged == call->mark) /* its packets may have to see its tuples as they were */
		return false;
	row->last_at = record->ktime_ns;
	copy_state(row, record);
	row->zone = record->zone & 0xffff;
	row->zone_direction = (record->zone >> 16 & 3) % 3;
	row->known |= KNOWN_TOLD;
	note_told(row, record, rules);
	note_decided(row, record->flags);
	if (record->flags & FLOW_CONFIRM_RAN)
		note_confirm(row, record);
	if (!(record->flags & FLOW_NEW))
		mark_older(row);
	note_state(row, record);
	return true;
}
