// SPDX-License-Identifier: GPL-2.0
/* What a drain takes from rings in memory: one thread, so that each step is known. */
#include <errno.h>
#include <string.h>

#include "chunk_test.h"
#include "compress_test.h"
#include "encoder_test.h"
#include "flows_test.h"
#include "horizon_test.h"
#include "log_test.h"
#include "merge_test.h"
#include "small_rings.h"
#include "threads_test.h"

static void test_wrap(void)
{
	uint64_t sent = 0, seen = 0;

	open_rings(1);
	for (int lap = 0; lap < 1000; lap++) {
		for (int i = 0; i < 1 + lap % RING_MAX; i++)
			send(0, sent++);
		take(1024);
		for (uint64_t i = 0; i < result.records; i++)
			EQUAL(taken[i].sequence, seen++);
		EQUAL(seen, sent);
	}
	close_rings(1);
}

static void test_ring_full(void)
{
	open_rings(1);
	for (uint64_t i = 0; i < RING_MAX; i++)
		send(0, i);
	HOLDS(!memory_ring_reserve(rings[0], RECORD));
	take(1);
	HOLDS(memory_ring_reserve(rings[0], RECORD));
	close_rings(1);
}

static void test_busy(void)
{
	struct small *open;

	open_rings(2);
	send(0, 0);
	open = reserve(0, 1);
	send(0, 2);
	send(1, 3);
	take(1024);
	EQUAL(result.records, 2);
	EQUAL(result.rings_busy, 1);
	EQUAL(result.rings_left, 0);
	memory_ring_commit(open, 0);
	take(1024);
	EQUAL(result.records, 2);
	EQUAL(result.rings_busy, 0);
	EQUAL(taken[0].sequence, 1);
	EQUAL(taken[1].sequence, 2);
	close_rings(2);
}

static void test_discarded(void)
{
	open_rings(1);
	send(0, 0);
	memory_ring_commit(reserve(0, 1), 1);
	send(0, 2);
	take(1024);
	EQUAL(result.records, 2);
	EQUAL(result.discarded, 1);
	EQUAL(taken[1].sequence, 2);
	take(1024);
	EQUAL(result.discarded, 0);
	close_rings(1);
}

static void test_wrong_size(void)
{
	const uint32_t sizes[] = { 1, RECORD - 1, RECORD + 1, 0, 200 };

	open_rings(1);
	for (int i = 0; i < 5; i++) {
		memory_ring_commit(memory_ring_reserve(rings[0], sizes[i]), 0);
		send(0, (uint64_t)i);
	}
	take(1024);
	EQUAL(result.records, 5);
	EQUAL(result.skipped_size, 5);
	for (uint64_t i = 0; i < 5; i++)
		EQUAL(taken[i].sequence, i);
	close_rings(1);
}

static void test_no_room(void)
{
	uint64_t seen = 0;

	open_rings(1);
	for (uint64_t i = 0; i < 100; i++)
		send(0, i);
	while (seen < 100) {
		EQUAL(drain_take(drain, taken, 7 * RECORD + 23, &result), 0);
		EQUAL(result.records, seen + 7 <= 100 ? 7 : 100 - seen);
		for (uint64_t i = 0; i < result.records; i++)
			EQUAL(taken[i].sequence, seen++);
		EQUAL(result.rings_left, seen < 100);
	}
	take(1024);
	EQUAL(result.records, 0);
	close_rings(1);
}

/* How many records of each ring there are, each ring's in order from `next` on. */
static void count_taken(uint64_t *counts, uint64_t *next)
{
	for (uint64_t i = 0; i < result.records; i++) {
		EQUAL(taken[i].sequence, next[taken[i].ring]++);
		counts[taken[i].ring]++;
	}
}

static void test_shares(void)
{
	uint64_t next[3] = {};

	open_rings(3);
	for (uint64_t i = 0; i < 60; i++)
		for (int ring = 0; ring < 3; ring++)
			send(ring, i);
	for (uint64_t i = 0; i < 20; i++) {
		uint64_t counts[3] = {};

		take(8);
		EQUAL(result.records, 8);
		EQUAL(result.rings_left, 3);
		count_taken(counts, next);
		for (int ring = 0; ring < 3; ring++) {
			HOLDS(counts[ring] == 2 || counts[ring] == 3);
			HOLDS(next[ring] <= 8 * (i + 1) / 3 + 1); /* nobody gets ahead */
		}
	}
	close_rings(3);
}

static void test_shares_left(void)
{
	const uint64_t sent[] = { 70, 2, 40 }, expected[] = { 14, 2, 14 };
	uint64_t counts[3] = {}, next[3] = {};

	open_rings(3);
	for (int ring = 0; ring < 3; ring++)
		for (uint64_t i = 0; i < sent[ring]; i++)
			send(ring, i);
	take(30);
	EQUAL(result.records, 30);
	EQUAL(result.rings_left, 2);
	count_taken(counts, next);
	for (int ring = 0; ring < 3; ring++)
		EQUAL(counts[ring], expected[ring]);
	close_rings(3);
}

static void test_bad_arguments(void)
{
	const int fds[] = { -1 };
	int err;

	HOLDS(!drain_open(NULL, 0, 0, 1, &err));
	EQUAL(-err, EINVAL);
	HOLDS(!drain_open(NULL, 0, 4097, 1, &err));
	EQUAL(-err, EINVAL);
	HOLDS(!drain_open(fds, 1, 96, 1, &err));
	HOLDS(err < 0);
	HOLDS(!memory_ring_open(5000, &err));
	EQUAL(-err, EINVAL);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{ "delivers each record once over a thousand laps", test_wrap },
		{ "has room again after a take", test_ring_full },
		{ "stops at a busy place, and only in that ring", test_busy },
		{ "passes over discarded places and counts them", test_discarded },
		{ "counts samples of another size", test_wrong_size },
		{ "leaves what does not fit for the next take", test_no_room },
		{ "gives each ring an equal part of the room", test_shares },
		{ "gives what a ring leaves to the others", test_shares_left },
		{ "holds the horizon before a busy place", test_horizon_of_busy },
		{ "holds the horizon before a nested record", test_horizon_of_nested },
		{ "moves the horizon though the ring is never empty", test_horizon_moves },
		{ "refuses a length beyond the producer", test_broken },
		{ "waits its whole timeout through signals", test_timeout },
		{ "waits only where nothing can be taken", test_ready },
		{ "refuses bad arguments", test_bad_arguments },
		{ "ends a wait from another thread", test_wake_ends_a_wait },
		{ "keeps messages in order, without debug ones", test_log_order },
		{ "keeps the end of a long log", test_log_end },
		{ "compresses to frames that are whole", test_compress_whole },
		{ "refuses to compress without room", test_compress_no_room },
		{ "reads flows of any records", test_flows_hostile },
		{ "lays out rows of any number", test_transpose_sizes },
		{ "encodes column chunks of all sizes", test_chunk_sizes },
		{ "encodes differences of all widths", test_chunk_deltas },
		{ "refuses what is no column chunk", test_chunk_refusals },
		{ "encodes the same with any number of threads", test_encoder_same_bytes },
		{ "tells an error of any column, and goes on", test_encoder_errors },
		{ "tells how much room all columns need", test_encoder_needed },
		{ "ends the threads that helped", test_encoder_ends },
		{ "merges random streams in order, each record once", test_merge_random },
		{ "merges nothing of what makes no sense", test_merge_refuses },
		{ "lays out any bytes in their rows alone", test_columns_hostile },
		{ "keeps order and horizon under three producers", test_threads },
		{ NULL, NULL },
	};

	return run_tests(tests, argc, argv);
}
