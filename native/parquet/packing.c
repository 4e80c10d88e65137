// SPDX-License-Identifier: GPL-2.0
#include "packing.h"

#include <stdbool.h>

void put_run(struct sink *sink, uint32_t value, uint32_t count, uint32_t width)
{
	put_varint(sink, (uint64_t)count * 2);
	put_byte(sink, (uint8_t)value);
	if (width > 8)
		put_byte(sink, (uint8_t)(value >> 8));
}

uint32_t index_width(uint32_t entries)
{
	if (entries <= 2)
		return 1;
	if (entries <= 4)
		return 2;
	if (entries <= 16)
		return 4;
	return entries <= 256 ? 8 : 16;
}

/* So many values of `width` bits in each byte. */
static inline __attribute__((always_inline)) void pack_parts(uint8_t *to, const uint32_t *values,
							     uint32_t bytes, uint32_t width)
{
	const uint32_t parts = 8 / width;

	for (uint32_t i = 0; i < bytes; i++, values += parts) {
		uint32_t byte = 0;

#pragma GCC unroll 8
		for (uint32_t part = 0; part < parts; part++)
			byte |= values[part] << part * width;
		to[i] = (uint8_t)byte;
	}
}

void put_packed(struct sink *sink, uint32_t *values, uint32_t count, uint32_t width)
{
	const uint32_t groups = (count + 7) / 8, bytes = groups * width;
	uint8_t *to;

	memset(values + count, 0, (groups * 8 - count) * sizeof(*values));
	put_varint(sink, (uint64_t)groups * 2 + 1);
	to = sink->bytes + sink->at;
	sink->at += bytes;
	switch (width) { /* constants: loops within a byte are unrolled */
	case 1:
		pack_parts(to, values, bytes, 1);
		break;
	case 2:
		pack_parts(to, values, bytes, 2);
		break;
	case 4:
		pack_parts(to, values, bytes, 4);
		break;
	case 8:
		for (uint32_t i = 0; i < bytes; i++)
			to[i] = (uint8_t)values[i];
		break;
	default:
		for (uint32_t i = 0; i < groups * 8; i++)
			memcpy(to + i * 2, &(uint16_t){ (uint16_t)values[i] }, 2);
	}
}

void put_bits(struct sink *sink, const uint8_t *bits, uint32_t count, uint32_t set)
{
	const uint32_t groups = (count + 7) / 8;
	const uint64_t start = sink->at;
	uint32_t length;

	put_u32(sink, 0);
	if (!set || set == count) {
		put_run(sink, set > 0, count, 1);
	} else {
		put_varint(sink, (uint64_t)groups * 2 + 1);
		put_bytes(sink, bits, groups);
	}
	length = (uint32_t)(sink->at - start - sizeof(length));
	memcpy(sink->bytes + start, &length, sizeof(length));
}

#define BLOCK 128u
#define MINIBLOCKS 4u
#define MINIBLOCK (BLOCK / MINIBLOCKS)

/* INT32 and INT64 alike: a difference, and what remains of it beyond the least one. */
struct block {
	int64_t differences[BLOCK];
	int64_t least;
	uint32_t length;
	bool is_narrow; /* INT32 */
};

static uint32_t bytes_of(uint64_t most)
{
	return most ? (71 - (uint32_t)__builtin_clzll(most)) / 8 : 0;
}

/* Each is stored whole, and the next one over what is too much of it. */
static void put_miniblock(struct sink *sink, const uint64_t *rest, uint32_t width)
{
	uint8_t *to = sink->bytes + sink->at;

	for (uint32_t i = 0; i < MINIBLOCK; i++, to += width)
		memcpy(to, &rest[i], sizeof(rest[i]));
	sink->at += MINIBLOCK * width;
}

static void put_block(struct sink *sink, const struct block *block)
{
	const uint64_t mask = block->is_narrow ? UINT32_MAX : UINT64_MAX;
	const int64_t least = block->least;
	uint64_t widths;

	put_zigzag(sink, least);
	widths = sink->at;
	memset(sink->bytes + widths, 0, MINIBLOCKS);
	sink->at += MINIBLOCKS;
	for (uint32_t from = 0; from < block->length; from += MINIBLOCK) {
		uint64_t rest[MINIBLOCK] = { 0 }, any = 0;
		uint32_t width;

		for (uint32_t i = 0; i < MINIBLOCK && from + i < block->length; i++) {
			rest[i] = ((uint64_t)block->differences[from + i] - (uint64_t)least) & mask;
			any |= rest[i];
		}
		width = bytes_of(any);
		sink->bytes[widths + from / MINIBLOCK] = (uint8_t)(width * 8);
		if (width)
			put_miniblock(sink, rest, width);
	}
}

/* Little endian: what is narrower fills the low end. */
static inline uint64_t number_at(const uint8_t *values, uint32_t at, uint32_t width)
{
	uint64_t value = 0;

	memcpy(&value, values + (uint64_t)at * width, width);
	return value;
}

static inline __attribute__((always_inline)) void put_all(struct sink *sink, const uint8_t *values,
							  uint32_t count, uint32_t width)
{
	struct block block = { .is_narrow = width < 8 };
	uint64_t before = number_at(values, 0, width);

	put_varint(sink, BLOCK);
	put_varint(sink, MINIBLOCKS);
	put_varint(sink, count);
	put_zigzag(sink, block.is_narrow ? (int32_t)before : (int64_t)before);
	for (uint32_t from = 1; from < count; from += BLOCK) {
		block.length = count - from < BLOCK ? count - from : BLOCK;
		block.least = INT64_MAX;
		for (uint32_t i = 0; i < block.length; i++) {
			const uint64_t value = number_at(values, from + i, width);
			const int64_t difference = block.is_narrow ? (int32_t)(value - before)
								   : (int64_t)(value - before);

			block.differences[i] = difference;
			block.least = difference < block.least ? difference : block.least;
			before = value;
		}
		put_block(sink, &block);
	}
}

void put_deltas(struct sink *sink, const uint8_t *values, uint32_t count, uint32_t width)
{
	switch (width) {
	case 1:
		put_all(sink, values, count, 1);
		break;
	case 2:
		put_all(sink, values, count, 2);
		break;
	case 4:
		put_all(sink, values, count, 4);
		break;
	default:
		put_all(sink, values, count, 8);
	}
}

uint64_t most_of_deltas(uint32_t count, uint32_t width)
{
	const uint64_t blocks = (uint64_t)count / BLOCK + 1;

	return 32 + blocks * (10 + MINIBLOCKS + (uint64_t)BLOCK * (width < 4 ? 4 : width));
}
