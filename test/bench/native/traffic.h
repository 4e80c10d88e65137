/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records of a CPU that forwards packets of many flows, as the probes would
 * send them: a flow's two tuples when it is confirmed, its packets, its end.
 * Every second flow is masqueraded. Nothing is random: the same plan makes the
 * same records, but for their times.
 */
#ifndef CONNTRAIL_BENCH_TRAFFIC_H
#define CONNTRAIL_BENCH_TRAFFIC_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "record.h"

struct traffic_plan {
	uint32_t cpus;
	uint32_t flows;		   /* under way on each CPU */
	uint32_t packets_per_flow; /* on average, then it ends and another begins; 0: it never ends */
	uint32_t lose_every;	   /* one later packet of so many does not reach the ring; 0: none */
};

struct traffic {
	struct traffic_plan plan;
	struct counters counters; /* the kernel's half of the ledger */
	uint64_t random;
	uint64_t *numbers;     /* of the flows under way */
	uint32_t begun;	       /* of them */
	uint32_t slot;	       /* of the flow that begins */
	uint32_t step;	       /* what of it comes next */
	uint32_t until_loss;
	uint32_t cpu;
};

/* 0 or -ENOMEM. */
int traffic_open(struct traffic *traffic, const struct traffic_plan *plan, uint32_t cpu);
void traffic_close(struct traffic *traffic);

/* Makes the next record. The time in it is taken now, so reserve its place first. */
void traffic_next(struct traffic *traffic, struct record *record);

/* Whether the next record is one to be lost; then it is counted so when it is made. */
bool traffic_loses_next(const struct traffic *traffic);

#endif
