// SPDX-License-Identifier: GPL-2.0
#include "feed.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "memory_ring.h"
#include "traffic.h"

#define PAUSE_NS 100000

struct feed {
	uint32_t cpus;
	uint32_t next; /* CPU whose turn it is */
	struct traffic *traffic;
	struct memory_ring **rings;
	pthread_t thread;
	bool has_thread;
	uint64_t wanted, per_second;
	_Atomic uint64_t made, waits, cpu_ns;
	_Atomic bool is_stopping, is_done;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t feed_thread_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* False where the ring has no room. */
static bool make_one(struct feed *feed)
{
	struct traffic *traffic = &feed->traffic[feed->next];
	struct record lost, *place = &lost;
	const bool loses = traffic_loses_next(traffic);

	if (!loses)
		place = memory_ring_reserve(feed->rings[feed->next], sizeof(*place));
	if (!place)
		return false;
	traffic_next(traffic, place);
	if (!loses)
		memory_ring_commit(place, 0);
	feed->next = feed->next + 1 < feed->cpus ? feed->next + 1 : 0;
	return true;
}

uint64_t feed_write(struct feed *feed, uint64_t records)
{
	uint64_t made = 0;

	while (made < records && make_one(feed))
		made++;
	atomic_fetch_add(&feed->made, made);
	return made;
}

/* How many records are due, by the clock. */
static uint64_t due(const struct feed *feed, uint64_t start_ns)
{
	const uint64_t passed_us = (clock_ns(CLOCK_MONOTONIC) - start_ns) / 1000;

	return feed->per_second ? passed_us * feed->per_second / 1000000 : feed->wanted;
}

static void *run(void *argument)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	const uint64_t start_ns = clock_ns(CLOCK_MONOTONIC);
	struct feed *feed = argument;

	while (feed->made < feed->wanted && !feed->is_stopping) {
		const uint64_t left = feed->wanted - feed->made;
		const uint64_t batch = left < 256 ? left : 256;
		const bool is_early = feed->made + batch > due(feed, start_ns);

		if (!is_early && feed_write(feed, batch) == batch)
			continue;
		feed->waits += !is_early;
		nanosleep(&pause, NULL);
	}
	feed->cpu_ns = feed_thread_ns();
	feed->is_done = true;
	return NULL;
}

int feed_start(struct feed *feed, uint64_t records, uint64_t per_second)
{
	int err;

	feed->wanted = feed->made + records;
	feed->per_second = per_second;
	err = pthread_create(&feed->thread, NULL, run, feed);
	feed->has_thread = !err;
	return -err;
}

void feed_look(struct feed *feed, struct feed_state *state)
{
	clockid_t clock;

	memset(state, 0, sizeof(*state));
	state->is_done = feed->is_done;
	state->made = feed->made;
	state->waits = feed->waits;
	/* A thread that has ended, or is about to, says itself what it took. */
	if (feed->has_thread && !state->is_done && !pthread_getcpuclockid(feed->thread, &clock))
		state->cpu_ns = clock_ns(clock);
	if (feed->is_done)
		state->cpu_ns = feed->cpu_ns;
}

void feed_counters(const struct feed *feed, uint32_t cpu, void *counters)
{
	memcpy(counters, &feed->traffic[cpu].counters, sizeof(struct counters));
}

void feed_into(struct feed *feed, uint32_t cpu, struct memory_ring *ring)
{
	feed->rings[cpu] = ring;
}

struct feed *feed_open(uint32_t cpus, uint32_t flows, uint32_t packets_per_flow,
		       uint32_t lose_every)
{
	const struct traffic_plan plan = { cpus, flows, packets_per_flow, lose_every };
	struct feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return NULL;
	feed->traffic = calloc(cpus, sizeof(*feed->traffic));
	feed->rings = calloc(cpus, sizeof(struct memory_ring *));
	while (feed->traffic && feed->rings && feed->cpus < cpus)
		if (traffic_open(&feed->traffic[feed->cpus], &plan, feed->cpus) || !++feed->cpus)
			break;
	if (feed->cpus == cpus)
		return feed;
	feed_close(feed);
	return NULL;
}

void feed_close(struct feed *feed)
{
	feed->is_stopping = true;
	if (feed->has_thread)
		pthread_join(feed->thread, NULL);
	for (uint32_t cpu = 0; cpu < feed->cpus; cpu++)
		traffic_close(&feed->traffic[cpu]);
	free(feed->traffic);
	free(feed->rings);
	free(feed);
}
