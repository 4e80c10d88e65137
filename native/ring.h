/* SPDX-License-Identifier: GPL-2.0 */
/* One ring as its consumer sees it. */
#ifndef CONNTRAIL_RING_H
#define CONNTRAIL_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAMPLE_BUSY    (1u << 31)
#define SAMPLE_DISCARD (1u << 30)
#define SAMPLE_HEADER  8u

/* Bytes of a ring's beginning that can be read behind its end: the longest record. */
#define RING_OVERLAP 4096u

/* A producer position, read after the clock said `ns`. */
struct mark {
	uint64_t position, ns;
};

#define MARKS 32 /* a power of two */

struct ring {
	_Atomic uint64_t *consumer;
	_Atomic uint64_t *producer; /* read only in a kernel ring */
	uint8_t *data;		    /* size bytes, then the first RING_OVERLAP of them again */
	uint64_t size;		    /* a power of two */

	/* The proof of completeness, see settle() in ring.c. */
	struct mark marks[MARKS]; /* that the consumer has not passed, from first_mark on */
	uint32_t first_mark, marks_count;
	uint64_t safe_ns; /* every record with an older time has been delivered */

	void *maps[2]; /* to unmap; NULL where the memory is not ours */
	size_t map_bytes[2];
};

enum ring_stop { RING_EMPTY, RING_BUSY, RING_FULL, RING_BROKEN };

/* Where copied records go, and what was met on the way. */
struct sink {
	uint8_t *dst;
	uint64_t capacity, bytes;
	uint32_t record_size;
	uint64_t records, skipped_size, discarded;
};

/* Maps the ring of a BPF map; the descriptor stays the caller's. 0 or -errno. */
int ring_map(struct ring *ring, int map_fd);
void ring_unmap(struct ring *ring);

/* Begins the proof: `now_ns` was read before this call. */
void ring_mark(struct ring *ring, uint64_t now_ns);

/* Moves what is there to the sink; `now_ns` was read before this call. */
enum ring_stop ring_take(struct ring *ring, struct sink *sink, uint64_t now_ns);

/* Bytes between consumer and producer. */
uint64_t ring_held(const struct ring *ring);

/* Whether `bytes` or more wait and the first of them can be taken at once. */
bool ring_is_ready(const struct ring *ring, uint64_t bytes);

/* Bytes that a payload of `length` takes in the ring. */
static inline uint64_t sample_bytes(uint32_t length)
{
	return ((uint64_t)length + SAMPLE_HEADER + 7) & ~(uint64_t)7;
}

#endif
