/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ring in ordinary memory with a producer that behaves as the kernel's does
 * (kernel/bpf/ringbuf.c): for tests and measurements, without a kernel.
 * Any number of threads may produce at once.
 */
#ifndef CONNTRAIL_MEMORY_RING_H
#define CONNTRAIL_MEMORY_RING_H

#include <stdint.h>

struct memory_ring;
struct ring;

#pragma GCC visibility push(default)

/* `size` bytes of data: a power of two, and a multiple of the page size. */
struct memory_ring *memory_ring_open(uint64_t size, int *err);

/* Place for `length` bytes, or NULL where the ring is full. */
void *memory_ring_reserve(struct memory_ring *ring, uint32_t length);

/* Gives the place to the reader; `discard`: to be passed over. */
void memory_ring_commit(void *place, int discard);

/* Writes records that stand together; how many of them had room. */
uint64_t memory_ring_write(struct memory_ring *ring, const void *records, uint64_t bytes,
			   uint32_t record_size);

void memory_ring_close(struct memory_ring *ring);

#pragma GCC visibility pop

/* The reader's side of it. */
void memory_ring_view(struct memory_ring *memory, struct ring *ring);

#endif
