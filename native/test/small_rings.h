/* SPDX-License-Identifier: GPL-2.0 */
/* A drain and small rings in memory, one thread: each file of tests has its own. */
#ifndef CONNTRAIL_SMALL_RINGS_H
#define CONNTRAIL_SMALL_RINGS_H

#include <time.h>

#include "check.h"
#include "drain.h"
#include "memory_ring.h"

#define RECORD	  24
#define RING_SIZE 4096 /* holds 127 records of 24 + 8 bytes: one byte stays free */
#define RING_MAX  127

struct small {
	uint64_t ktime_ns, ring, sequence;
};

static struct memory_ring *rings[3];
static struct drain *drain;
static struct drain_result result;
static struct small taken[1024];

static inline void open_rings(int count)
{
	int err;

	drain = drain_open(NULL, 0, RECORD, 1, &err);
	EQUAL(err, 0);
	for (int i = 0; i < count; i++) {
		rings[i] = memory_ring_open(RING_SIZE, &err);
		EQUAL(err, 0);
		EQUAL(drain_add_memory_ring(drain, rings[i]), 0);
	}
}

static inline void close_rings(int count)
{
	drain_close(drain);
	for (int i = 0; i < count; i++)
		memory_ring_close(rings[i]);
}

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline struct small *reserve(int ring, uint64_t sequence)
{
	struct small *place = memory_ring_reserve(rings[ring], RECORD);

	HOLDS(place);
	*place = (struct small){ now_ns(), (uint64_t)ring, sequence };
	return place;
}

static inline void send(int ring, uint64_t sequence)
{
	memory_ring_commit(reserve(ring, sequence), 0);
}

static inline void take(uint64_t records_room)
{
	EQUAL(drain_take(drain, taken, records_room * RECORD, &result), 0);
	EQUAL(result.bytes, result.records * RECORD);
}

#endif
