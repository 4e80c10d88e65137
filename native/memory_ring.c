// SPDX-License-Identifier: GPL-2.0
#include "memory_ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"

struct memory_ring {
	_Alignas(64) _Atomic uint64_t consumer;
	_Alignas(64) _Atomic uint64_t producer;
	pthread_mutex_t reserving;
	uint8_t *data;
	uint64_t size;
};

/* The same memory twice in a row, so that no sample is ever in two parts. */
static uint8_t *map_twice(uint64_t size)
{
	const int fd = memfd_create("conntrail-ring", MFD_CLOEXEC);
	uint8_t *at = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (!ftruncate(fd, (off_t)size))
		at = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int copy = 0; at != MAP_FAILED && copy < 2; copy++) {
		if (mmap(at + (uint64_t)copy * size, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED)
			continue;
		munmap(at, 2 * size);
		at = MAP_FAILED;
	}
	close(fd);
	return at == MAP_FAILED ? NULL : at;
}

struct memory_ring *memory_ring_open(uint64_t size, int *err)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct memory_ring *ring;

	*err = -EINVAL;
	if (size < page || (size & (size - 1)))
		return NULL;
	*err = -ENOMEM;
	ring = aligned_alloc(64, sizeof(*ring));
	if (!ring)
		return NULL;
	memset(ring, 0, sizeof(*ring));
	ring->size = size;
	ring->data = map_twice(size);
	if (!ring->data) {
		free(ring);
		return NULL;
	}
	pthread_mutex_init(&ring->reserving, NULL);
	*err = 0;
	return ring;
}

void *memory_ring_reserve(struct memory_ring *ring, uint32_t length)
{
	const uint64_t bytes = sample_bytes(length);
	uint64_t consumer, producer;
	uint8_t *sample = NULL;

	pthread_mutex_lock(&ring->reserving);
	consumer = atomic_load_explicit(&ring->consumer, memory_order_acquire);
	producer = atomic_load_explicit(&ring->producer, memory_order_relaxed);
	if (producer + bytes - consumer < ring->size) {
		sample = ring->data + (producer & (ring->size - 1));
		atomic_store_explicit((_Atomic uint32_t *)sample, length | SAMPLE_BUSY,
				      memory_order_relaxed);
		atomic_store_explicit(&ring->producer, producer + bytes, memory_order_release);
	}
	pthread_mutex_unlock(&ring->reserving);
	return sample ? sample + SAMPLE_HEADER : NULL;
}

void memory_ring_commit(void *place, int discard)
{
	_Atomic uint32_t *header = (_Atomic uint32_t *)((uint8_t *)place - SAMPLE_HEADER);
	uint32_t length = atomic_load_explicit(header, memory_order_relaxed) & ~SAMPLE_BUSY;

	if (discard)
		length |= SAMPLE_DISCARD;
	atomic_exchange_explicit(header, length, memory_order_seq_cst);
}

uint64_t memory_ring_write(struct memory_ring *ring, const void *records, uint64_t bytes,
			   uint32_t record_size)
{
	const uint8_t *from = records;
	uint64_t written = 0;

	while ((written + 1) * record_size <= bytes) {
		void *place = memory_ring_reserve(ring, record_size);

		if (!place)
			break;
		memcpy(place, from + written * record_size, record_size);
		memory_ring_commit(place, 0);
		written++;
	}
	return written;
}

void memory_ring_close(struct memory_ring *ring)
{
	munmap(ring->data, 2 * ring->size);
	pthread_mutex_destroy(&ring->reserving);
	free(ring);
}

void memory_ring_view(struct memory_ring *memory, struct ring *ring)
{
	ring->consumer = &memory->consumer;
	ring->producer = &memory->producer;
	ring->data = memory->data;
	ring->size = memory->size;
}
