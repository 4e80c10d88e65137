// SPDX-License-Identifier: GPL-2.0
#include "contend.h"

#include <linux/types.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "memory_ring.h"
#include "record.h"

#define MOST_THREADS 256
/* The kernel's holder cannot be preempted; ours can, and then to spin on is no use. */
#define MOST_SPINS   4096

struct lock {
	_Alignas(64) _Atomic bool is_held;
};

struct round {
	pthread_barrier_t start;
	struct lock locks[MOST_THREADS];
	uint32_t records, apart_ns;
};

struct writer {
	struct round *round;
	struct memory_ring *ring;
	struct lock *lock;
	pthread_t thread;
	uint32_t number;
	uint64_t cpu_ns, start_ns, end_ns;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void take(struct lock *lock)
{
	for (uint32_t spins = 0; atomic_exchange_explicit(&lock->is_held, true, memory_order_acquire);)
		while (atomic_load_explicit(&lock->is_held, memory_order_relaxed))
			if (++spins % MOST_SPINS == 0)
				sched_yield();
}

static struct record *reserve(struct writer *writer)
{
	struct record *place;

	take(writer->lock);
	place = memory_ring_reserve(writer->ring, sizeof(*place));
	atomic_store_explicit(&writer->lock->is_held, false, memory_order_release);
	return place;
}

static void *write_all(void *argument)
{
	struct writer *writer = argument;
	const struct round *round = writer->round;
	const struct record made = { .cpu = (uint16_t)writer->number, .kind = RECORD_TRAVERSAL };
	uint64_t start_ns;

	pthread_barrier_wait(&writer->round->start);
	writer->start_ns = clock_ns(CLOCK_MONOTONIC);
	start_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	for (uint32_t i = 0; i < round->records; i++) {
		struct record *place = reserve(writer);
		const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

		if (!place)
			break;
		*place = made;
		place->seq = i;
		place->ktime_ns = now_ns;
		memory_ring_commit(place, 0);
		while (round->apart_ns && clock_ns(CLOCK_MONOTONIC) < now_ns + round->apart_ns)
			;
	}
	writer->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
	writer->end_ns = clock_ns(CLOCK_MONOTONIC);
	return NULL;
}

static bool ran_at_once(const struct writer *writers, uint32_t threads)
{
	uint64_t first_ns = UINT64_MAX, last_ns = 0;

	for (uint32_t i = 0; i < threads; i++) {
		if (writers[i].start_ns < first_ns)
			first_ns = writers[i].start_ns;
		if (writers[i].end_ns > last_ns)
			last_ns = writers[i].end_ns;
	}
	for (uint32_t i = 0; i < threads; i++)
		if (writers[i].cpu_ns < (last_ns - first_ns) / 10 * 8)
			return false;
	return true;
}

uint64_t contend(struct memory_ring *const *rings, uint32_t threads, uint32_t shares,
		 uint32_t records, uint32_t apart_ns, uint32_t *at_once)
{
	static struct round round;
	static struct writer writers[MOST_THREADS];
	uint64_t cpu_ns = 0;

	if (threads > MOST_THREADS)
		return 0;
	memset(round.locks, 0, sizeof(round.locks));
	round.records = records;
	round.apart_ns = apart_ns;
	pthread_barrier_init(&round.start, NULL, threads);
	for (uint32_t i = 0; i < threads; i++) {
		const uint32_t ring = shares ? 0 : i;

		writers[i] = (struct writer){ &round, rings[ring], &round.locks[ring], .number = i };
		if (pthread_create(&writers[i].thread, NULL, write_all, &writers[i]))
			return 0; /* those begun wait for ever: the process has to end */
	}
	for (uint32_t i = 0; i < threads; i++) {
		pthread_join(writers[i].thread, NULL);
		cpu_ns += writers[i].cpu_ns;
	}
	*at_once = ran_at_once(writers, threads);
	pthread_barrier_destroy(&round.start);
	return cpu_ns;
}
