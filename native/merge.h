/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records of several rings in the order of time. Each CPU's records come in
 * their own order, but the rings are drained one after another. What is added
 * is copied; what is released goes into memory of the caller's.
 *
 * One thread at a time. Functions that can fail return a negative errno.
 */
#ifndef CONNTRAIL_MERGE_H
#define CONNTRAIL_MERGE_H

#include <stdint.h>

#pragma GCC visibility push(default)

struct merge;

/* What the functions below are told, in one place: each argument of a caller's may be dear. */
struct merge_call {
	uint64_t merge; /* addresses */
	uint64_t source; /* records as drained */
	uint64_t bytes; /* of them */
	uint64_t horizon_ns; /* CLOCK_MONOTONIC */
	uint64_t block; /* where released records go */
	uint64_t room; /* records that it has room for */
};

/* Records (struct record of bpf/record.h) of CPUs below `cpus`. NULL: no memory. */
struct merge *merge_open(uint32_t cpus);

/*
 * Takes whole records from the source. -EINVAL: not whole ones; -EBADMSG: one names
 * another CPU, or a kind that there is not: then none is taken. After -ENOMEM
 * the merge is of no more use.
 */
int merge_add(const struct merge_call *call);

/*
 * Puts the oldest records into the block, those of equal time by CPU, as far
 * as they are older than the horizon and there is room. Returns their number:
 * fewer than the block has room for means there are no more.
 */
uint32_t merge_release(const struct merge_call *call);

void merge_close(struct merge *merge);

#pragma GCC visibility pop

#endif
