// SPDX-License-Identifier: GPL-2.0
#include "drain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "memory_ring.h"
#include "ring.h"

/* src/libbpf/drain.ts reads it by offset. */
_Static_assert(sizeof(struct drain_result) == 64, "layout of drain_result");
_Static_assert(sizeof(struct drain_call) == 96, "layout of drain_call");

#define WAKE_EVENT UINT32_MAX
#define MAX_EVENTS 64

/* A ring and what it holds, in bytes: those that hold least take first. */
struct turn {
	uint64_t held;
	uint32_t ring;
};

struct drain {
	struct ring *rings;
	struct turn *turns; /* one for each ring */
	uint32_t ring_count;
	uint32_t record_size;
	uint64_t wake_bytes;
	bool had_no_room; /* in the last take */
	int epoll_fd;
	int wake_fd;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int watch(struct drain *drain, int fd, uint32_t events, uint32_t index)
{
	struct epoll_event event = { .events = events, .data.u32 = index };

	return epoll_ctl(drain->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* Room for one ring more; NULL where memory is short. */
static struct ring *next_ring(struct drain *drain)
{
	const size_t count = drain->ring_count + 1;
	struct ring *rings = realloc(drain->rings, count * sizeof(*rings));
	struct turn *turns;

	if (!rings)
		return NULL;
	drain->rings = rings;
	turns = realloc(drain->turns, count * sizeof(*turns));
	if (!turns)
		return NULL;
	drain->turns = turns;
	memset(&rings[drain->ring_count], 0, sizeof(struct ring));
	return &rings[drain->ring_count];
}

/*
 * Edge-triggered: a producer that gathers records before it wakes the reader
 * must not be answered sooner because a few records are there already.
 */
static int add_kernel_ring(struct drain *drain, int map_fd)
{
	struct ring *ring = next_ring(drain);
	int err = ring ? ring_map(ring, map_fd) : -ENOMEM;

	if (err)
		return err;
	err = watch(drain, map_fd, EPOLLIN | EPOLLET, drain->ring_count);
	if (err) {
		ring_unmap(ring);
		return err;
	}
	ring_mark(ring, now_ns());
	drain->ring_count++;
	return 0;
}

int drain_add_memory_ring(struct drain *drain, struct memory_ring *memory)
{
	struct ring *ring = next_ring(drain);

	if (!ring)
		return -ENOMEM;
	memory_ring_view(memory, ring);
	ring_mark(ring, now_ns());
	drain->ring_count++;
	return 0;
}

static int open_waiting(struct drain *drain)
{
	drain->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (drain->epoll_fd < 0)
		return -errno;
	drain->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (drain->wake_fd < 0)
		return -errno;
	return watch(drain, drain->wake_fd, EPOLLIN, WAKE_EVENT);
}

struct drain *drain_open(const int *map_fds, uint32_t rings, uint32_t record_size,
			 uint64_t wake_bytes, int *err)
{
	struct drain *drain = calloc(1, sizeof(*drain));

	*err = -ENOMEM;
	if (!drain)
		return NULL;
	drain->epoll_fd = -1;
	drain->wake_fd = -1;
	drain->record_size = record_size;
	drain->wake_bytes = wake_bytes;
	*err = record_size && record_size <= RING_OVERLAP ? open_waiting(drain) : -EINVAL;
	for (uint32_t i = 0; i < rings && !*err; i++)
		*err = add_kernel_ring(drain, map_fds[i]);
	if (!*err)
		return drain;
	drain_close(drain);
	return NULL;
}

static int by_held(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->held != y->held)
		return x->held < y->held ? -1 : 1;
	return x->ring < y->ring ? -1 : x->ring > y->ring;
}

/* The order in which rings take: as it is where there is room for all of them. */
static void set_turns(struct drain *drain, uint64_t capacity)
{
	uint64_t held = 0;

	for (uint32_t i = 0; i < drain->ring_count; i++) {
		drain->turns[i] = (struct turn){ ring_held(&drain->rings[i]), i };
		held += drain->turns[i].held;
	}
	if (held > capacity)
		qsort(drain->turns, drain->ring_count, sizeof(*drain->turns), by_held);
}

static int take_ring(struct ring *ring, struct sink *sink, struct drain_result *result)
{
	const enum ring_stop stop = ring_take(ring, sink, result->clock_ns);

	result->rings_busy += stop == RING_BUSY;
	result->rings_left += stop == RING_FULL;
	if (ring->safe_ns < result->horizon_ns)
		result->horizon_ns = ring->safe_ns;
	return stop == RING_BROKEN ? -EBADMSG : 0;
}

/*
 * Each ring may take an equal part of the room that is left. Those that hold
 * less leave the rest of their part to those after them, who hold more. Were
 * one ring emptied before the next is looked at, its records would wait for
 * those of the others, ringfuls of them.
 */
static int take_all(struct drain *drain, void *dst, uint64_t capacity, struct drain_result *result)
{
	struct sink sink = { .dst = dst, .record_size = drain->record_size };
	int err = 0;

	result->clock_ns = now_ns();
	result->horizon_ns = result->clock_ns;
	set_turns(drain, capacity);
	for (uint32_t i = 0; i < drain->ring_count; i++) {
		const uint64_t left = (capacity - sink.bytes) / drain->record_size;
		const uint64_t share = left / (drain->ring_count - i) * drain->record_size;
		int ring_err;

		sink.capacity = sink.bytes + share;
		ring_err = take_ring(&drain->rings[drain->turns[i].ring], &sink, result);
		if (ring_err)
			err = ring_err;
	}
	drain->had_no_room = result->rings_left > 0;
	result->bytes = sink.bytes;
	result->records = sink.records;
	result->skipped_size = sink.skipped_size;
	result->discarded = sink.discarded;
	return err;
}

int drain_take(struct drain *drain, void *dst, uint64_t capacity, struct drain_result *result)
{
	memset(result, 0, sizeof(*result));
	return take_all(drain, dst, capacity, result);
}

static bool need_not_wait(const struct drain *drain)
{
	/*
	 * Full fence between our store of a consumer position and these loads:
	 * either we see what was committed, or its producer sees that we have
	 * caught up and wakes us. Acquire and release alone allow neither.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	for (uint32_t i = 0; i < drain->ring_count; i++)
		if (ring_is_ready(&drain->rings[i], drain->wake_bytes))
			return true;
	return drain->had_no_room;
}

/* epoll_wait() that a signal does not cut short. Number of events or -errno. */
static int wait_events(int epoll_fd, struct epoll_event *events, int timeout_ms)
{
	const uint64_t start = now_ns();
	int left_ms = timeout_ms;

	for (;;) {
		const int count = epoll_wait(epoll_fd, events, MAX_EVENTS, left_ms);

		if (count >= 0)
			return count;
		if (errno != EINTR)
			return -errno;
		if (timeout_ms > 0) {
			const uint64_t passed_ms = (now_ns() - start) / 1000000u;

			left_ms = passed_ms < (uint64_t)timeout_ms ? timeout_ms - (int)passed_ms : 0;
		}
	}
}

int drain_wait_take(struct drain *drain, int timeout_ms, void *dst, uint64_t capacity,
		    struct drain_result *result)
{
	struct epoll_event events[MAX_EVENTS];
	const int timeout = need_not_wait(drain) ? 0 : timeout_ms;
	const int count = wait_events(drain->epoll_fd, events, timeout);

	memset(result, 0, sizeof(*result));
	if (count < 0)
		return count;
	for (int i = 0; i < count; i++) {
		uint64_t wakes;

		if (events[i].data.u32 != WAKE_EVENT)
			continue;
		if (read(drain->wake_fd, &wakes, sizeof(wakes)) == (ssize_t)sizeof(wakes))
			result->woken = 1;
	}
	return take_all(drain, dst, capacity, result);
}

int drain_call(struct drain_call *call)
{
	return drain_wait_take((struct drain *)(uintptr_t)call->drain, call->timeout_ms,
			       (void *)(uintptr_t)call->dst, call->capacity, &call->result);
}

uint64_t memory_address(const void *memory)
{
	return (uintptr_t)memory;
}

int drain_wake(struct drain *drain)
{
	const uint64_t one = 1;

	return write(drain->wake_fd, &one, sizeof(one)) == (ssize_t)sizeof(one) ? 0 : -errno;
}

void drain_close(struct drain *drain)
{
	for (uint32_t i = 0; i < drain->ring_count; i++)
		ring_unmap(&drain->rings[i]);
	if (drain->epoll_fd >= 0)
		close(drain->epoll_fd);
	if (drain->wake_fd >= 0)
		close(drain->wake_fd);
	free(drain->rings);
	free(drain->turns);
	free(drain);
}
