// SPDX-License-Identifier: GPL-2.0
/* Flows in memory that is exactly as large as it is said to be: a step beside it shows under a sanitizer. */
#include "flows_test.h"

#include <linux/types.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/record.h"
#include "check.h"
#include "columns.h"
#include "flows/read.h"
#include "transpose.h"

#define FLOWS 24  /* in the table at most */
#define PLACES 64 /* of its index */
#define BLOCK 200 /* records */
#define ROOM 150  /* of what is staged */
#define RULES 3
#define RECORD_WORDS (sizeof(struct record) / 4)

static uint64_t state = 1442695040888963407u;

/* xorshift64 (Marsaglia, 2003). */
static uint32_t random_below(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % limit;
}

static void *memory(size_t count, size_t size)
{
	void *got = calloc(count, size);

	HOLDS(got != NULL);
	return got;
}

static struct flow_table open_table(void)
{
	return (struct flow_table){
		.rows = (uintptr_t)memory(FLOWS, sizeof(struct flow_row)),
		.next = (uintptr_t)memory(FLOWS, sizeof(int32_t)),
		.previous = (uintptr_t)memory(FLOWS, sizeof(int32_t)),
		.queue = (uintptr_t)memory(FLOWS, 1),
		.index = (uintptr_t)memory(PLACES, sizeof(struct flow_index)),
		.mask = PLACES - 1,
		.limit = FLOWS,
		.free = -1,
		.head = { -1, -1 },
		.tail = { -1, -1 },
	};
}

static void close_table(const struct flow_table *table)
{
	const uint64_t all[] = { table->rows, table->next, table->previous, table->queue,
				 table->index };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		free((void *)(uintptr_t)all[i]);
}

/* Anything, of few flows; now and then as a probe would send it. */
static void make_records(struct record *records, uint64_t now)
{
	for (uint32_t i = 0; i < BLOCK; i++) {
		uint8_t *bytes = (uint8_t *)(records + i);

		for (size_t at = 0; at < sizeof(*records); at++)
			bytes[at] = (uint8_t)random_below(256);
		records[i].kind = (uint8_t)random_below(RECORD_KINDS);
		records[i].flow = random_below(40);
		records[i].ktime_ns = now + i;
		if (random_below(2))
			records[i].kind = random_below(2) ? RECORD_FLOW : RECORD_TRAVERSAL;
		if (random_below(2))
			records[i].flags &= (uint16_t)~(FLOW_MERGED | FLOW_PARENT | FLOW_RULES);
	}
}

/* Every flow is in the index, and in one queue. */
static void check_table(const struct flow_table *table)
{
	int32_t count = 0;

	for (uint32_t queue = 0; queue < QUEUES; queue++)
		for (int32_t slot = table->head[queue]; slot >= 0;
		     slot = ((int32_t *)(uintptr_t)table->next)[slot]) {
			EQUAL((uint64_t)flow_find(table, row_at(table, slot)->number),
			      (uint64_t)slot);
			count++;
		}
	EQUAL((uint64_t)count, (uint64_t)table->count);
	EQUAL(table->used, (uint64_t)count);
}

static void read_block(struct read_call *call, uint32_t *stopped)
{
	call->count = 0;
	call->room = ROOM;
	for (uint32_t at = 0; at < call->end; at += RECORD_WORDS) {
		call->at = at;
		at = flows_read(call);
		HOLDS(at <= call->end && at % RECORD_WORDS == 0);
		*stopped += at < call->end;
	}
	HOLDS(call->count <= ROOM && call->count + call->room == ROOM);
}

static void hand_on(struct flow_table *table, uint64_t before, uint32_t queue)
{
	struct hand_on_call call = { .table = *table, .before = before, .queue = queue, .room = 5, .turn = ~1u };
	uint32_t *out = memory(call.room, FLOW_ROW_WORDS * 4);
	struct rule_counts *counts = memory(RULES, sizeof(*counts));
	uint32_t end;

	call.out = (uintptr_t)out;
	call.counts = (uintptr_t)counts;
	do {
		end = flows_hand_on(&call);
		HOLDS(call.rows <= call.room && end != HANDED_ON_STAGED);
	} while (end == HANDED_ON_FULL);
	*table = call.table;
	free(out);
	free(counts);
}

void test_flows_hostile(void)
{
	struct record *records = memory(BLOCK, sizeof(*records));
	struct staged *staged = memory(ROOM, sizeof(*staged));
	struct packet_place *places = memory(PACKET_PLACES, sizeof(*places));
	struct known_rule *rules = memory(RULES, sizeof(*rules));
	struct read_call call = { .table = open_table(),
				  .records = (uintptr_t)records,
				  .staged = (uintptr_t)staged,
				  .places = (uintptr_t)places,
				  .rules = (uintptr_t)rules,
				  .end = BLOCK * RECORD_WORDS,
				  .mark = 3,
				  .flags = READ_PACKETS,
				  .rule_count = RULES };
	uint32_t stopped = 0, begun = 0;

	for (uint32_t i = 0; i < RULES; i++)
		rules[i] = (struct known_rule){ 1ull << 62 | i, 7, 0, i + 1, 0 };
	for (uint32_t round = 0; round < 300; round++) {
		make_records(records, 1000 * round);
		call.mark += 2;
		read_block(&call, &stopped);
		check_table(&call.table);
		begun += (uint32_t)call.table.count;
		hand_on(&call.table, 1000 * round, QUEUE_CLOSING);
		if (round % 3 == 2)
			hand_on(&call.table, ~0ull, QUEUE_OPEN);
		check_table(&call.table);
	}
	HOLDS(stopped > 1000 && begun > 1000);
	close_table(&call.table);
	free(records);
	free(staged);
	free(places);
	free(rules);
}

/* A column of bits, one of numbers and one of addresses with its nulls, at any number of rows. */
static void transpose_rows(uint32_t rows)
{
	enum { STRIDE = 9 };
	const uint32_t bits = (rows + 7) / 8, numbers = bits + bits % 2;
	const uint32_t addresses = numbers + 2 * rows, validity = addresses + 16 * rows;
	uint32_t *words = memory(rows + 1, STRIDE * 4);
	uint8_t *to = memory(1, validity + bits + 1);
	struct transposed columns[] = { { 2, AS_BIT, 0, ~0u, 0, 0 },
					{ 3, AS_2, numbers, ~0u, 1, 0 },
					{ 4, AS_16, addresses, validity, 33, 0 } };
	const struct transpose_call call = { (uintptr_t)words, (uintptr_t)to, 0,
					     (uintptr_t)columns, STRIDE, rows, 3, 0 };

	for (uint32_t row = 0; row < rows; row++) {
		words[row * STRIDE + 1] = row % 3 ? 0 : 2;
		words[row * STRIDE + 2] = row % 5;
		words[row * STRIDE + 3] = row + 70000;
		words[row * STRIDE + 7] = row * 3;
	}
	transpose(&call);
	EQUAL(columns[2].nulls, (rows + 2) / 3);
	for (uint32_t row = 0; row < rows; row++) {
		uint32_t word;

		EQUAL((uint64_t)(to[row / 8] >> row % 8 & 1), row % 5 != 0);
		EQUAL((uint64_t)(to[validity + row / 8] >> row % 8 & 1), row % 3 != 0);
		EQUAL(((uint16_t *)(to + numbers))[row], (uint16_t)(row + 70000));
		memcpy(&word, to + addresses + 16 * row + 12, sizeof(word));
		EQUAL(word, row * 3);
	}
	EQUAL(to[validity + bits], 0);
	free(words);
	free(to);
}

void test_transpose_sizes(void)
{
	for (uint32_t rows = 0; rows < 600; rows += 1 + rows / 5)
		transpose_rows(rows);
}
