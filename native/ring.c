// SPDX-License-Identifier: GPL-2.0
#include "ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The consumer position is given to the producers at least this often, so that
 * a full ring has room again long before it is emptied. */
#define PUBLISH_BYTES (64u << 10)

static int ring_size(int map_fd, uint64_t *size)
{
	struct bpf_map_info info = {};
	union bpf_attr attr = {};

	attr.info.bpf_fd = (uint32_t)map_fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uint64_t)(uintptr_t)&info;
	if (syscall(__NR_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) < 0)
		return -errno;
	if (info.type != BPF_MAP_TYPE_RINGBUF)
		return -EINVAL;
	*size = info.max_entries;
	return 0;
}

static void *map_part(struct ring *ring, int part, size_t bytes, int prot, int fd, off_t offset)
{
	void *at = mmap(NULL, bytes, prot, MAP_SHARED, fd, offset);

	if (at == MAP_FAILED)
		return NULL;
	ring->maps[part] = at;
	ring->map_bytes[part] = bytes;
	return at;
}

int ring_map(struct ring *ring, int map_fd)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int err;

	memset(ring, 0, sizeof(*ring));
	err = ring_size(map_fd, &ring->size);
	if (err)
		return err;
	ring->consumer = map_part(ring, 0, page, PROT_READ | PROT_WRITE, map_fd, 0);
	if (!ring->consumer)
		return -errno;
	/* The kernel has the data twice in a row, but what is mapped counts as our memory. */
	ring->producer = map_part(ring, 1, page + ring->size + RING_OVERLAP, PROT_READ, map_fd,
				  (off_t)page);
	if (!ring->producer) {
		err = -errno;
		ring_unmap(ring);
		return err;
	}
	ring->data = (uint8_t *)ring->producer + page;
	return 0;
}

void ring_unmap(struct ring *ring)
{
	for (int part = 0; part < 2; part++)
		if (ring->maps[part])
			munmap(ring->maps[part], ring->map_bytes[part]);
}

static const uint8_t *sample_at(const struct ring *ring, uint64_t position)
{
	return ring->data + (position & (ring->size - 1));
}

/* Acquire: a length without BUSY was stored after the payload was. */
static uint32_t sample_length(const uint8_t *sample)
{
	return atomic_load_explicit((const _Atomic uint32_t *)sample, memory_order_acquire);
}

/* One too many is not kept: the proof is then coarser, no less true. */
static void add_mark(struct ring *ring, uint64_t position, uint64_t now_ns)
{
	if (ring->marks_count == MARKS)
		return;
	ring->marks[(ring->first_mark + ring->marks_count++) % MARKS] =
		(struct mark){ .position = position, .ns = now_ns };
}

void ring_mark(struct ring *ring, uint64_t now_ns)
{
	add_mark(ring, atomic_load_explicit(ring->producer, memory_order_acquire), now_ns);
}

/*
 * A producer position read after the clock: each place from there on was
 * reserved later than the clock said, and its record holds a later time. So
 * once the consumer has passed a marked position, every record older than the
 * mark has been delivered. Each look at a ring leaves a mark, so that a reader
 * that is behind by a whole ring learns how far it has come as it goes on. In
 * the order of the ring times need not rise (a softirq may reserve and finish
 * between the reservation and the clock of the context it interrupted), so no
 * record's own time proves anything.
 */
static void settle(struct ring *ring, uint64_t consumer, uint64_t producer, uint64_t now_ns)
{
	add_mark(ring, producer, now_ns);
	while (ring->marks_count && ring->marks[ring->first_mark].position <= consumer) {
		ring->safe_ns = ring->marks[ring->first_mark].ns;
		ring->first_mark = (ring->first_mark + 1) % MARKS;
		ring->marks_count--;
	}
	if (consumer == producer)
		ring->safe_ns = now_ns;
}

static void publish(struct ring *ring, uint64_t position)
{
	/* Release: what was copied is read before the place is written again. */
	atomic_store_explicit(ring->consumer, position, memory_order_release);
}

/* False where the record has no room. */
static bool accept_sample(struct sink *sink, const uint8_t *sample, uint32_t length)
{
	const uint32_t size = length & ~(SAMPLE_BUSY | SAMPLE_DISCARD);

	if (length & SAMPLE_DISCARD) {
		sink->discarded++;
	} else if (size != sink->record_size) {
		sink->skipped_size++;
	} else if (sink->capacity - sink->bytes < size) {
		return false;
	} else {
		memcpy(sink->dst + sink->bytes, sample + SAMPLE_HEADER, size);
		sink->bytes += size;
		sink->records++;
	}
	return true;
}

enum ring_stop ring_take(struct ring *ring, struct sink *sink, uint64_t now_ns)
{
	uint64_t position = atomic_load_explicit(ring->consumer, memory_order_relaxed);
	const uint64_t end = atomic_load_explicit(ring->producer, memory_order_acquire);
	uint64_t published = position;
	enum ring_stop stop = RING_EMPTY;

	while (position != end) {
		const uint8_t *sample = sample_at(ring, position);
		const uint32_t length = sample_length(sample);
		const uint64_t bytes = sample_bytes(length & ~(SAMPLE_BUSY | SAMPLE_DISCARD));

		if (length & SAMPLE_BUSY)
			stop = RING_BUSY;
		else if (bytes > end - position)
			stop = RING_BROKEN;
		else if (!accept_sample(sink, sample, length))
			stop = RING_FULL;
		if (stop != RING_EMPTY)
			break;
		position += bytes;
		if (position - published >= PUBLISH_BYTES) {
			publish(ring, position);
			published = position;
		}
	}
	publish(ring, position);
	settle(ring, position, end, now_ns);
	return stop;
}

uint64_t ring_held(const struct ring *ring)
{
	return atomic_load_explicit(ring->producer, memory_order_acquire) -
	       atomic_load_explicit(ring->consumer, memory_order_relaxed);
}

bool ring_is_ready(const struct ring *ring, uint64_t bytes)
{
	const uint64_t position = atomic_load_explicit(ring->consumer, memory_order_relaxed);
	const uint64_t end = atomic_load_explicit(ring->producer, memory_order_acquire);

	if (end == position || end - position < bytes)
		return false;
	return !(sample_length(sample_at(ring, position)) & SAMPLE_BUSY);
}
