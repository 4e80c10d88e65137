/* SPDX-License-Identifier: GPL-2.0 */
/* Producers at the same time: what it costs them to share a ring. */
#ifndef CONNTRAIL_BENCH_CONTEND_H
#define CONNTRAIL_BENCH_CONTEND_H

#include <stdint.h>

struct memory_ring;

#pragma GCC visibility push(default)

/*
 * `threads` begin together and write `records` each, `apart_ns` of work
 * between two of them, into rings that have room for all: rings[thread], or
 * rings[0] where they share. A lock is taken by spinning, as the kernel's is.
 * Returns the CPU time of all threads together, 0 where they could not be made.
 * `at_once`: 1 where each ran nearly all the time that any of them did; else
 * something else had a core, and nobody was in anybody's way.
 */
uint64_t contend(struct memory_ring *const *rings, uint32_t threads, uint32_t shares,
		 uint32_t records, uint32_t apart_ns, uint32_t *at_once);

#pragma GCC visibility pop

#endif
