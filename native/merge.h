/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records of several rings in the order of time. Each CPU's records come in
 * their own order, but the rings are drained one after another. What is added
 * is copied; what is released stands in a block of memory that the caller gave
 * at the start, until the next release.
 *
 * One thread at a time. Functions that can fail return a negative errno.
 */
#ifndef CONNTRAIL_MERGE_H
#define CONNTRAIL_MERGE_H

#include <stdint.h>

#pragma GCC visibility push(default)

struct merge;

/*
 * Records (struct record of bpf/record.h) of CPUs below `cpus`. `block` has
 * room for `records` of them, and outlives the merge. NULL: no memory.
 */
struct merge *merge_open(uint32_t cpus, void *block, uint32_t records);

/*
 * Whole records as drained. -EINVAL: not whole ones; -EBADMSG: one names
 * another CPU, or a kind that there is not: then none is taken. After -ENOMEM
 * the merge is of no more use.
 */
int merge_add(struct merge *merge, const void *records, uint64_t bytes);

/*
 * Puts the oldest records into the block, those of equal time by CPU, as far
 * as they are older than the horizon (CLOCK_MONOTONIC, ns) and there is room.
 * Returns their number: fewer than the block's records means there are no more.
 */
uint32_t merge_release(struct merge *merge, uint32_t horizon_high, uint32_t horizon_low);

void merge_close(struct merge *merge);

#pragma GCC visibility pop

#endif
