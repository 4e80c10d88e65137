// SPDX-License-Identifier: GPL-2.0
#include "merge_test.h"

#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/record.h"
#include "check.h"
#include "columns.h"
#include "merge.h"

#define CPUS 5
#define RECORDS 20000
#define ROOM 37

static uint64_t state = 88172645463325252u;

/* xorshift64 (Marsaglia, 2003). */
static uint32_t random_below(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % limit;
}

static struct merge_call call_of(struct merge *merge, struct record *block)
{
	return (struct merge_call){ .merge = (uintptr_t)merge,
				    .block = (uintptr_t)block,
				    .room = ROOM };
}

static void add(struct merge_call *call, const struct record *records, uint64_t count)
{
	struct record *copy = malloc(count * sizeof(*copy)); /* that is gone right after */

	memcpy(copy, records, count * sizeof(*copy));
	call->source = (uintptr_t)copy;
	call->bytes = count * sizeof(*copy);
	EQUAL((uint64_t)merge_add(call), 0);
	free(copy);
}

static bool is_in_order(const struct record *a, const struct record *b)
{
	return a->ktime_ns < b->ktime_ns || (a->ktime_ns == b->ktime_ns && a->cpu <= b->cpu);
}

/* Releases up to the horizon; returns how many came, in order after `*last`. */
static uint64_t release(struct merge_call *call, uint64_t horizon, struct record *last)
{
	const struct record *block = (const struct record *)(uintptr_t)call->block;
	uint64_t sum = 0;
	uint32_t count;

	call->horizon_ns = horizon;
	do {
		count = merge_release(call);
		for (uint32_t i = 0; i < count; i++) {
			HOLDS(is_in_order(last, &block[i]));
			HOLDS(block[i].ktime_ns < horizon);
			*last = block[i];
		}
		sum += count;
	} while (count == ROOM);
	return sum;
}

/* Of several CPUs, in pieces, with many equal times: every record comes once, in order. */
void test_merge_random(void)
{
	struct record *block = malloc(ROOM * sizeof(*block));
	struct merge *merge = merge_open(CPUS);
	struct merge_call call = call_of(merge, block);
	struct record piece[64], last = {};
	uint64_t now = 1000, at[CPUS] = {}, added = 0, released = 0;

	while (added < RECORDS) {
		const uint32_t cpu = random_below(CPUS), count = 1 + random_below(64);

		at[cpu] = at[cpu] > now ? at[cpu] : now;
		for (uint32_t i = 0; i < count; i++)
			piece[i] = (struct record){ .ktime_ns = at[cpu] += !random_below(4),
						    .cpu = (uint16_t)cpu,
						    .kind = RECORD_TRAVERSAL,
						    .seq = (uint32_t)added++ };
		add(&call, piece, count);
		if (random_below(3))
			continue;
		now += 16; /* no record to come is older */
		released += release(&call, now, &last);
	}
	released += release(&call, UINT64_MAX, &last);
	EQUAL(released, added);
	merge_close(merge);
	free(block);
}

void test_merge_refuses(void)
{
	struct record records[3] = { { .kind = RECORD_DROP }, { .kind = RECORD_DROP }, {} };
	struct record block[ROOM], last = {};
	struct merge *merge = merge_open(2);
	struct merge_call call = call_of(merge, block);

	call.source = (uintptr_t)records;
	call.bytes = sizeof(records) - 1;
	EQUAL((uint64_t)-merge_add(&call), EINVAL);
	call.bytes = sizeof(records);
	EQUAL((uint64_t)-merge_add(&call), EBADMSG); /* no kind */
	records[2] = (struct record){ .kind = RECORD_KINDS };
	EQUAL((uint64_t)-merge_add(&call), EBADMSG);
	records[2] = (struct record){ .kind = RECORD_DROP, .cpu = 2 };
	EQUAL((uint64_t)-merge_add(&call), EBADMSG);
	EQUAL(release(&call, UINT64_MAX, &last), 0); /* and nothing was taken */
	merge_close(merge);
}

#define ROWS 50
#define COLUMN_BYTES (ROWS * 16)

/* Records of any bytes fill no more than their rows: each column has a margin after it. */
void test_columns_hostile(void)
{
	struct record *records = malloc(ROWS * sizeof(*records));
	struct staged *staged = calloc(ROWS, sizeof(*staged));
	const size_t bytes = PACKET_COLUMNS * (COLUMN_BYTES + 64);
	uint8_t *memory = malloc(bytes);
	struct change *changes = malloc((ROWS + 1) * sizeof(*changes));
	uint32_t most_changed = 0;
	struct flow_row flow = {};
	struct fill fill = { .records = (uintptr_t)records,
			     .staged = (uintptr_t)staged,
			     .flows = (uintptr_t)&flow,
			     .memory = (uintptr_t)memory,
			     .changes = (uintptr_t)changes,
			     .count = ROWS };

	for (uint32_t i = 0; i < PACKET_COLUMNS; i++)
		fill.column[i] = i * (COLUMN_BYTES + 64);
	for (uint32_t turn = 0; turn < 200; turn++) {
		uint8_t *byte = (uint8_t *)records;

		for (size_t i = 0; i < ROWS * sizeof(*records); i++)
			byte[i] = (uint8_t)random_below(256);
		for (uint32_t i = 0; i < ROWS; i++)
			staged[i] = (struct staged){ .record = i * sizeof(*records) / 4,
						     .flow = random_below(2) ? 0 : -1 };
		flow.known = random_below(4);
		memset(memory, 0xa5, bytes);
		memset(changes, 0xa5, (ROWS + 1) * sizeof(*changes));
		HOLDS(columns_fill(&fill) <= ROWS);
		for (uint32_t i = 0; i < PACKET_COLUMNS; i++)
			EQUAL(memory[(i + 1) * (COLUMN_BYTES + 64) - 64], 0xa5);
		EQUAL(changes[ROWS].index, 0xa5a5a5a5);
		for (uint32_t i = 0; i < fill.changed; i++) {
			HOLDS(staged[changes[i].index].flow == 0);
			HOLDS(changes[i].before != changes[i].after);
		}
		if (fill.changed > most_changed)
			most_changed = fill.changed;
	}
	HOLDS(most_changed > ROWS / 4 && most_changed <= ROWS);
	free(changes);
	free(records);
	free(staged);
	free(memory);
}
