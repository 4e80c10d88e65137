// SPDX-License-Identifier: GPL-2.0
#include "merge.h"

#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../bpf/record.h"

/* One CPU's records, waiting: those from `head` to `tail`. */
struct queue {
	struct record *records;
	size_t head, tail, capacity;
};

struct merge {
	struct queue *queues;
	uint32_t cpus;
	/* A heap of the queues that are not empty: the one with the oldest record is first. */
	uint32_t *heap;
	uint32_t heap_size;
};

/* src/libbpf/merge.ts writes it by offset. */
_Static_assert(sizeof(struct merge_call) == 48, "layout of merge_call");

struct merge *merge_open(uint32_t cpus)
{
	struct merge *merge = calloc(1, sizeof(*merge));

	if (!merge)
		return NULL;
	merge->queues = calloc(cpus, sizeof(*merge->queues));
	merge->heap = calloc(cpus, sizeof(*merge->heap));
	merge->cpus = cpus;
	if (merge->queues && merge->heap)
		return merge;
	merge_close(merge);
	return NULL;
}

void merge_close(struct merge *merge)
{
	for (uint32_t cpu = 0; merge->queues && cpu < merge->cpus; cpu++)
		free(merge->queues[cpu].records);
	free(merge->queues);
	free(merge->heap);
	free(merge);
}

/* Room for `more` records behind the tail. */
static int make_room(struct queue *queue, size_t more)
{
	const size_t waiting = queue->tail - queue->head;
	size_t capacity = queue->capacity ? queue->capacity : 256;
	struct record *records;

	if (queue->capacity - queue->tail >= more)
		return 0;
	if (queue->head > 0)
		memmove(queue->records, queue->records + queue->head, waiting * sizeof(*records));
	queue->head = 0;
	queue->tail = waiting;
	while (capacity - waiting < more)
		capacity *= 2;
	if (capacity == queue->capacity)
		return 0;
	records = realloc(queue->records, capacity * sizeof(*records));
	if (!records)
		return -ENOMEM;
	queue->records = records;
	queue->capacity = capacity;
	return 0;
}

static bool are_sound(const struct merge *merge, const struct record *records, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (records[i].cpu >= merge->cpus || !records[i].kind ||
		    records[i].kind >= RECORD_KINDS)
			return false;
	return true;
}

/* How many records from the first on are of its CPU. */
static size_t run_of(const struct record *records, size_t count)
{
	size_t run = 1;

	while (run < count && records[run].cpu == records[0].cpu)
		run++;
	return run;
}

static bool is_before(const struct merge *merge, uint32_t a, uint32_t b)
{
	const struct queue *x = &merge->queues[a], *y = &merge->queues[b];
	const uint64_t mine = x->records[x->head].ktime_ns, other = y->records[y->head].ktime_ns;

	return mine < other || (mine == other && a < b);
}

/* The heap is right but for the queue at `at`, whose oldest record has become younger. */
static void sink_down(struct merge *merge, uint32_t at)
{
	const uint32_t cpu = merge->heap[at];

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= merge->heap_size)
			break;
		if (child + 1 < merge->heap_size &&
		    is_before(merge, merge->heap[child + 1], merge->heap[child]))
			child++;
		if (!is_before(merge, merge->heap[child], cpu))
			break;
		merge->heap[at] = merge->heap[child];
		at = child;
	}
	merge->heap[at] = cpu;
}

static void build_heap(struct merge *merge)
{
	merge->heap_size = 0;
	for (uint32_t cpu = 0; cpu < merge->cpus; cpu++)
		if (merge->queues[cpu].head != merge->queues[cpu].tail)
			merge->heap[merge->heap_size++] = cpu;
	for (uint32_t at = merge->heap_size / 2; at-- > 0;)
		sink_down(merge, at);
}

static struct merge *merge_of(const struct merge_call *call)
{
	return (struct merge *)(uintptr_t)call->merge;
}

int merge_add(const struct merge_call *call)
{
	struct merge *merge = merge_of(call);
	const struct record *records = (const struct record *)(uintptr_t)call->source;
	const size_t count = call->bytes / sizeof(*records);
	size_t added = 0;

	if (call->bytes % sizeof(*records))
		return -EINVAL;
	if (!are_sound(merge, records, count))
		return -EBADMSG;
	while (added < count) {
		const struct record *first = records + added;
		const size_t run = run_of(first, count - added);
		struct queue *queue = &merge->queues[first->cpu];

		if (make_room(queue, run))
			return -ENOMEM;
		memcpy(queue->records + queue->tail, first, run * sizeof(*first));
		queue->tail += run;
		added += run;
	}
	build_heap(merge);
	return 0;
}

/* Those of the first queue that come before all others' and the horizon; up to `room`. */
static size_t take_run(struct merge *merge, uint64_t horizon, struct record *to, size_t room)
{
	struct queue *queue = &merge->queues[merge->heap[0]];
	const struct record *from = queue->records + queue->head;
	const size_t waiting = queue->tail - queue->head;
	size_t run = 0;
	uint64_t limit = horizon;

	for (uint32_t child = 1; child <= 2 && child < merge->heap_size; child++) {
		const uint32_t cpu = merge->heap[child];
		const struct queue *other = &merge->queues[cpu];
		const uint64_t ns = other->records[other->head].ktime_ns + (cpu > merge->heap[0]);

		limit = ns < limit ? ns : limit;
	}
	while (run < waiting && run < room && from[run].ktime_ns < limit)
		run++;
	memcpy(to, from, run * sizeof(*to));
	queue->head += run;
	return run;
}

uint32_t merge_release(const struct merge_call *call)
{
	struct merge *merge = merge_of(call);
	struct record *block = (struct record *)(uintptr_t)call->block;
	uint32_t released = 0;

	while (merge->heap_size && released < call->room) {
		struct queue *queue = &merge->queues[merge->heap[0]];
		const size_t run = take_run(merge, call->horizon_ns, block + released,
					    call->room - released);

		if (!run)
			break;
		released += (uint32_t)run;
		if (queue->head == queue->tail)
			merge->heap[0] = merge->heap[--merge->heap_size];
		if (merge->heap_size)
			sink_down(merge, 0);
	}
	return released;
}
