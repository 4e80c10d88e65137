/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A drain copies whole records out of BPF ring buffers into memory that the
 * caller owns. In: map file descriptors. Out: records, and how far in time
 * they are complete. One call takes from all rings, so that the cost of the
 * call itself is spread over thousands of records.
 *
 * The ring's layout is the kernel's ABI (Documentation/bpf/ringbuf.rst): one
 * page with the consumer position, one with the producer position, the data
 * twice in a row. A sample is an 8-byte header (length with BUSY and DISCARD
 * in its upper two bits, page offset) and a payload padded to 8 bytes.
 *
 * One thread at a time may be inside a drain, except for drain_wake(), which
 * any thread may call at any time before drain_close() starts.
 *
 * Every function that can fail returns 0 or a negative errno.
 */
#ifndef CONNTRAIL_DRAIN_H
#define CONNTRAIL_DRAIN_H

#include <stdint.h>

#pragma GCC visibility push(default)

struct drain;
struct memory_ring;

/* Filled by each take; every count is of that take alone. */
struct drain_result {
	uint64_t bytes;	   /* written to the destination */
	uint64_t records;  /* bytes / record_size */
	uint64_t clock_ns; /* CLOCK_MONOTONIC, read before any ring was looked at */
	/*
	 * No record still to come has a time before this one: everything older
	 * has been delivered. A record is made to hold a time taken after its
	 * place was reserved, so a place reserved after a clock reading holds a
	 * later time. It is clock_ns, or where a ring was not emptied (busy, or
	 * destination full) the latest earlier reading whose places have all
	 * been delivered. It never goes back.
	 */
	uint64_t horizon_ns;
	uint64_t skipped_size; /* samples of another size than record_size */
	uint64_t discarded;    /* samples that their producer gave up */
	uint32_t rings_busy;   /* rings that stopped at a place not yet committed */
	uint32_t rings_left;   /* rings with more to take: their part of the room was full */
	uint32_t woken;	       /* 1: drain_wake() was called */
	uint32_t reserved;
};

/*
 * Opens the rings of `map_fds`, which stay the caller's; 0 rings are allowed.
 * drain_wait_take() does not wait while a ring holds `wake_bytes` or more:
 * 1 where the producers wake by themselves as soon as the reader has caught
 * up, else the fill at which they force a wake-up.
 * NULL on failure, with a negative errno in *err.
 */
struct drain *drain_open(const int *map_fds, uint32_t rings, uint32_t record_size,
			 uint64_t wake_bytes, int *err);

/* Adds a ring in ordinary memory, which must outlive the drain. */
int drain_add_memory_ring(struct drain *drain, struct memory_ring *ring);

/*
 * Copies what is there and never blocks. Each ring's records stand together in
 * ring order, rings in any order. Where there is not room for all, rings get
 * equal parts of it, and more where others hold less than theirs; there has to
 * be room for a record of each. What does not fit stays in its ring. -EBADMSG:
 * a ring's memory makes no sense, nothing more is read of it.
 */
int drain_take(struct drain *drain, void *dst, uint64_t capacity, struct drain_result *result);

/*
 * Waits first: for a wake-up of a producer, for drain_wake(), or for
 * `timeout_ms` (-1: for ever). Does not wait where the last take had no room.
 */
int drain_wait_take(struct drain *drain, int timeout_ms, void *dst, uint64_t capacity,
		    struct drain_result *result);

/* The arguments of drain_wait_take(), for callers whose arguments are dear. */
struct drain_call {
	uint64_t drain; /* address */
	uint64_t dst;	/* address */
	uint64_t capacity;
	int32_t timeout_ms;
	uint32_t reserved;
	struct drain_result result;
};

int drain_call(struct drain_call *call);

/* An address as a number, for structs such as the one above. */
uint64_t memory_address(const void *memory);

/* Ends the wait that is going on, or the next one if none is. */
int drain_wake(struct drain *drain);

void drain_close(struct drain *drain);

#pragma GCC visibility pop

#endif
