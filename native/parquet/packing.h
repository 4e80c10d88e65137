/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers in few bits: the hybrid of runs and packed bits, and differences. */
#ifndef CONNTRAIL_PACKING_H
#define CONNTRAIL_PACKING_H

#include "sink.h"

/* One value, `count` times over. `width`: bits, at most 16. */
void put_run(struct sink *sink, uint32_t value, uint32_t count, uint32_t width);

/*
 * Bits of an index into so many entries: whole bytes or whole fractions of one.
 * zstd sees no pattern across bits, so that wider indexes come out smaller.
 */
uint32_t index_width(uint32_t entries);

/* Values of `width` 1, 2, 4, 8 or 16 bits. There is room for 7 more than `count`, which become 0. */
void put_packed(struct sink *sink, uint32_t *values, uint32_t count, uint32_t width);

/* Bits, of which so many are set. With their length before them; runs if all are alike. */
void put_bits(struct sink *sink, const uint8_t *bits, uint32_t count, uint32_t set);

/*
 * DELTA_BINARY_PACKED: the first value, then differences less the smallest of
 * their block, modulo 2^32 or 2^64. Widths are whole bytes, though the format
 * takes any: zstd finds repeated differences only where they lie alike. Values
 * of 1, 2 and 4 bytes are INT32, those of 8 INT64; at least one.
 */
void put_deltas(struct sink *sink, const uint8_t *values, uint32_t count, uint32_t width);

/* The most bytes that put_deltas() takes. */
uint64_t most_of_deltas(uint32_t count, uint32_t width);

#endif
