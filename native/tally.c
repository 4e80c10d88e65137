// SPDX-License-Identifier: GPL-2.0
#include "tally.h"

#include <linux/types.h>

#include "../bpf/record.h"

/* src/libbpf/tally.ts writes it by offset. */
_Static_assert(sizeof(struct tally_call) == 48, "layout of tally_call");

uint32_t tally_count(const struct tally_call *call)
{
	const struct record *records = (const struct record *)(uintptr_t)call->records;
	double *delivered = (double *)(uintptr_t)call->delivered;
	uint32_t *next_seq = (uint32_t *)(uintptr_t)call->next_seq;
	uint64_t *last = (uint64_t *)(uintptr_t)call->last;

	for (uint32_t i = call->from; i < call->to; i++) {
		const struct record *record = records + i;

		if (record->cpu >= call->cpus || record->kind >= RECORD_KINDS)
			continue; /* the reader has refused such bytes already */
		if (record->seq != next_seq[record->cpu])
			return i;
		next_seq[record->cpu]++;
		delivered[record->cpu * RECORD_KINDS + record->kind]++;
		last[record->cpu] = record->ktime_ns;
	}
	return call->to;
}
