/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Traffic of some CPUs into their rings, a record of each CPU in turn, so that
 * their times interleave as those of CPUs that are all busy do. Either some
 * records at once, or from a thread that waits where a ring is full.
 */
#ifndef CONNTRAIL_BENCH_FEED_H
#define CONNTRAIL_BENCH_FEED_H

#include <stdint.h>

struct feed;
struct memory_ring;

struct feed_state {
	uint64_t made;	  /* records, lost ones too */
	uint64_t cpu_ns;  /* CPU time of the thread so far */
	uint64_t waits;	  /* times it met a full ring */
	uint64_t is_done; /* 1: the thread has made them all */
};

#pragma GCC visibility push(default)

/* See struct traffic_plan. NULL: no memory. */
struct feed *feed_open(uint32_t cpus, uint32_t flows, uint32_t packets_per_flow,
		       uint32_t lose_every);

/* Where the records of a CPU go. Before the first record; CPUs may share a ring. */
void feed_into(struct feed *feed, uint32_t cpu, struct memory_ring *ring);

/* Makes up to `records` in the caller's thread, until a ring is full; how many. */
uint64_t feed_write(struct feed *feed, uint64_t records);

/* Makes `records` in a thread, at most so many a second (0: no limit); 0 or a negative errno. */
int feed_start(struct feed *feed, uint64_t records, uint64_t per_second);

void feed_look(struct feed *feed, struct feed_state *state);

/* struct counters of a CPU. Not while the thread runs. */
void feed_counters(const struct feed *feed, uint32_t cpu, void *counters);

/* Waits for the thread. */
void feed_close(struct feed *feed);

/* CPU time of the calling thread. */
uint64_t feed_thread_ns(void);

#pragma GCC visibility pop

#endif
