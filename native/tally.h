/* SPDX-License-Identifier: GPL-2.0 */
/* What arrived, counted by CPU and kind, and checked for gaps: the loop of src/wire/tally.ts. */
#ifndef CONNTRAIL_TALLY_H
#define CONNTRAIL_TALLY_H

#include <stdint.h>

#pragma GCC visibility push(default)

struct tally_call {
	uint64_t records;   /* addresses: struct record */
	uint64_t delivered; /* double, at cpu * RECORD_KINDS + kind */
	uint64_t next_seq;  /* uint32_t of each CPU */
	uint64_t last;	    /* uint64_t of each CPU: CLOCK_MONOTONIC of its last record */
	uint32_t cpus;
	uint32_t from, to;  /* records */
	uint32_t unused;
};

/*
 * Records of one CPU in their own order. Returns `to`, or the record before
 * which others of its CPU are missing, which is not counted yet.
 */
uint32_t tally_count(const struct tally_call *call);

#pragma GCC visibility pop

#endif
