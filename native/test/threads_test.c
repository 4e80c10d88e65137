// SPDX-License-Identifier: GPL-2.0
/* Producers and one reader at the same time. */
#include "threads_test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "drain.h"
#include "memory_ring.h"

#define PRODUCERS 3
#define BATCH	  4096

struct item {
	uint64_t ktime_ns;
	uint64_t producer, sequence;
	uint64_t filler[9]; /* 96 bytes, as the record */
};

struct producer {
	struct memory_ring *ring;
	uint64_t number, records;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *produce(void *argument)
{
	const struct producer *producer = argument;

	for (uint64_t sequence = 0; sequence < producer->records;) {
		const int discard = sequence % 7 == 3 && (sequence & 1);
		struct item *item = memory_ring_reserve(producer->ring, sizeof(*item));

		if (!item) {
			sched_yield();
			continue;
		}
		*item = (struct item){ .producer = producer->number, .sequence = sequence };
		item->ktime_ns = now_ns();
		item->filler[8] = ~sequence;
		memory_ring_commit(item, 0);
		sequence++;
		if (discard) {
			item = memory_ring_reserve(producer->ring, sizeof(*item));
			if (item)
				memory_ring_commit(item, 1);
		}
	}
	return NULL;
}

/* Each producer's records once and in order, none older than a horizon given before. */
static void check_items(const struct item *items, uint64_t count, uint64_t *next, uint64_t horizon)
{
	for (uint64_t i = 0; i < count; i++) {
		const struct item *item = &items[i];

		HOLDS(item->producer < PRODUCERS);
		EQUAL(item->sequence, next[item->producer]);
		EQUAL(item->filler[8], ~item->sequence);
		HOLDS(item->ktime_ns >= horizon);
		next[item->producer]++;
	}
}

static void consume(struct drain *drain, uint64_t wanted)
{
	static struct item items[BATCH];
	uint64_t next[PRODUCERS] = {};
	uint64_t horizon = 0;

	for (uint64_t taken = 0, calls = 0; taken < wanted; calls++) {
		struct drain_result result;
		/* Now and then a small destination, so that rings are left. */
		const uint64_t room = calls % 3 ? sizeof(items) : 100 * sizeof(*items) + 5;

		EQUAL(drain_wait_take(drain, 1, items, room, &result), 0);
		EQUAL(result.bytes, result.records * sizeof(*items));
		EQUAL(result.skipped_size, 0);
		check_items(items, result.records, next, horizon);
		HOLDS(result.horizon_ns >= horizon);
		HOLDS(result.horizon_ns <= result.clock_ns);
		horizon = result.horizon_ns;
		taken += result.records;
	}
}

/* Producers 0 and 1 share a ring as CPUs may, producer 2 has one to itself. */
void test_threads(void)
{
	const char *asked = getenv("DRAIN_TEST_RECORDS");
	const uint64_t records = asked ? strtoull(asked, NULL, 10) : 1000000;
	struct memory_ring *rings[2];
	struct producer producers[PRODUCERS];
	pthread_t threads[PRODUCERS];
	struct drain *drain;
	int err;

	drain = drain_open(NULL, 0, sizeof(struct item), 1, &err);
	for (int i = 0; i < 2; i++) {
		rings[i] = memory_ring_open(64 << 10, &err);
		EQUAL(err, 0);
		EQUAL(drain_add_memory_ring(drain, rings[i]), 0);
	}
	for (int i = 0; i < PRODUCERS; i++) {
		producers[i] = (struct producer){ rings[i / 2], (uint64_t)i, records };
		pthread_create(&threads[i], NULL, produce, &producers[i]);
	}
	consume(drain, records * PRODUCERS);
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	drain_close(drain);
	memory_ring_close(rings[0]);
	memory_ring_close(rings[1]);
}

static void *wake_later(void *drain)
{
	usleep(30000);
	drain_wake(drain);
	return NULL;
}

void test_wake_ends_a_wait(void)
{
	struct drain_result result;
	pthread_t thread;
	char none[1];
	int err;
	struct drain *drain = drain_open(NULL, 0, 96, 1, &err);
	const uint64_t start = now_ns();

	pthread_create(&thread, NULL, wake_later, drain);
	EQUAL(drain_wait_take(drain, 20000, none, 0, &result), 0);
	EQUAL(result.woken, 1);
	HOLDS(now_ns() - start < 10000000000u);
	HOLDS(now_ns() - start >= 25000000u);
	pthread_join(thread, NULL);
	EQUAL(drain_wake(drain), 0);
	EQUAL(drain_wake(drain), 0);
	EQUAL(drain_wait_take(drain, 20000, none, 0, &result), 0);
	EQUAL(result.woken, 1);
	EQUAL(drain_wait_take(drain, 0, none, 0, &result), 0);
	EQUAL(result.woken, 0);
	drain_close(drain);
}
