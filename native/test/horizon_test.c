// SPDX-License-Identifier: GPL-2.0
/* Up to when the rings are complete, and what a drain waits for. */
#include "horizon_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "small_rings.h"

void test_horizon_of_busy(void)
{
	struct small *open;
	uint64_t before, emptied;

	open_rings(2);
	send(0, 0);
	take(1024);
	EQUAL(result.horizon_ns, result.clock_ns);
	emptied = result.clock_ns;
	send(1, 1);
	open = reserve(0, 2);
	before = open->ktime_ns;
	take(1024);
	HOLDS(result.clock_ns >= before);
	EQUAL(result.horizon_ns, emptied);
	take(1024);
	EQUAL(result.horizon_ns, emptied);
	memory_ring_commit(open, 0);
	take(1024);
	EQUAL(result.horizon_ns, result.clock_ns);
	close_rings(2);
}

/* A place reserved later, inside an interrupt, may hold an earlier time. */
void test_horizon_of_nested(void)
{
	struct small *outer, *inner;

	open_rings(1);
	outer = reserve(0, 0);
	inner = reserve(0, 1);
	outer->ktime_ns = now_ns();
	HOLDS(inner->ktime_ns < outer->ktime_ns);
	memory_ring_commit(inner, 0);
	memory_ring_commit(outer, 0);
	take(1);
	EQUAL(result.records, 1);
	EQUAL(result.rings_left, 1);
	HOLDS(result.horizon_ns <= inner->ktime_ns);
	close_rings(1);
}

/* Never emptied, yet the horizon follows. */
void test_horizon_moves(void)
{
	uint64_t last = 0, moved = 0;

	open_rings(1);
	for (uint64_t i = 0; i < 100; i++)
		send(0, i);
	for (uint64_t i = 0; i < 300; i++) {
		take(2);
		HOLDS(result.rings_left == 1);
		HOLDS(result.horizon_ns >= last);
		moved += result.horizon_ns > last;
		last = result.horizon_ns;
		send(0, i);
		send(0, i);
	}
	HOLDS(moved >= 100); /* not once a ringful */
	close_rings(1);
}

void test_broken(void)
{
	struct small *place;

	open_rings(1);
	send(0, 0);
	place = reserve(0, 1);
	memory_ring_commit(place, 0);
	((uint32_t *)place)[-2] = 4000;
	EQUAL(-drain_take(drain, taken, sizeof(taken), &result), EBADMSG);
	EQUAL(result.records, 1);
	close_rings(1);
}

static void ignore_signal(int number)
{
	(void)number;
}

void test_timeout(void)
{
	const struct itimerval often = { .it_interval.tv_usec = 3000, .it_value.tv_usec = 3000 };
	const struct itimerval never = {};
	const struct sigaction action = { .sa_handler = ignore_signal };
	uint64_t start;

	open_rings(1);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	start = now_ns();
	EQUAL(drain_wait_take(drain, 60, taken, sizeof(taken), &result), 0);
	setitimer(ITIMER_REAL, &never, NULL);
	HOLDS(now_ns() - start >= 59000000u);
	HOLDS(now_ns() - start < 5000000000u);
	EQUAL(result.woken, 0);
	close_rings(1);
}

void test_ready(void)
{
	const uint64_t start = now_ns();
	struct small *open;

	open_rings(1);
	send(0, 0);
	send(0, 1);
	EQUAL(drain_wait_take(drain, 20000, taken, RECORD, &result), 0);
	EQUAL(result.records, 1);
	EQUAL(drain_wait_take(drain, 20000, taken, RECORD, &result), 0);
	EQUAL(taken[0].sequence, 1);
	HOLDS(now_ns() - start < 10000000000u);
	open = reserve(0, 2); /* busy: nothing to take, so it waits */
	EQUAL(drain_wait_take(drain, 20, taken, RECORD, &result), 0);
	HOLDS(now_ns() - start >= 20000000u);
	memory_ring_commit(open, 0);
	close_rings(1);
}
