// SPDX-License-Identifier: GPL-2.0
#include "gather.h"

#include <string.h>

static const uint8_t *memory(uint64_t address)
{
	return (const uint8_t *)(uintptr_t)address;
}

static bool bit_at(const uint8_t *bits, uint32_t at)
{
	return bits[at / 8] >> at % 8 & 1;
}

uint32_t spans_rows(struct spans spans)
{
	uint32_t rows = 0;

	for (uint32_t i = 0; i < spans.count; i++)
		rows += spans.first[i].rows;
	return rows;
}

bool spans_have_nulls(struct spans spans)
{
	for (uint32_t i = 0; i < spans.count; i++)
		if (spans.first[i].validity)
			return true;
	return false;
}

/*
 * What to do with row `row`, for each row of a span that has a value. Where
 * eight have none, they are passed over at once.
 */
#define FOR_PRESENT(span, row)                                                                    \
	for (uint32_t row = (span)->from, end_ = row + (span)->rows; row < end_; row++)           \
		if (!(row % 8) && !memory((span)->validity)[row / 8])                             \
			row += 7;                                                                 \
		else if (bit_at(memory((span)->validity), row))

#define GATHER_PRESENT(size)                                                                      \
	static uint8_t *gather_present_##size(const struct chunk_span *span, uint8_t *to)         \
	{                                                                                         \
		const uint8_t *values = memory(span->values);                                     \
                                                                                                  \
		FOR_PRESENT(span, row) {                                                          \
			memcpy(to, values + (uint64_t)row * size, size);                          \
			to += size;                                                               \
		}                                                                                 \
		return to;                                                                        \
	}

GATHER_PRESENT(1)
GATHER_PRESENT(2)
GATHER_PRESENT(4)
GATHER_PRESENT(8)
GATHER_PRESENT(16)

static uint8_t *gather_present(const struct chunk_span *span, uint32_t width, uint8_t *to)
{
	switch (width) {
	case 1:
		return gather_present_1(span, to);
	case 2:
		return gather_present_2(span, to);
	case 4:
		return gather_present_4(span, to);
	case 8:
		return gather_present_8(span, to);
	default:
		return gather_present_16(span, to);
	}
}

uint32_t gather(struct spans spans, uint32_t width, uint8_t *to)
{
	uint8_t *end = to;

	for (uint32_t i = 0; i < spans.count; i++) {
		const struct chunk_span *span = &spans.first[i];
		const uint64_t from = (uint64_t)span->from * width, bytes = (uint64_t)span->rows * width;

		if (span->validity) {
			end = gather_present(span, width, end);
			continue;
		}
		if (bytes)
			memcpy(end, memory(span->values) + from, bytes);
		end += bytes;
	}
	return (uint32_t)((uint64_t)(end - to) / width);
}

/* Behind `count` bits as many as `rows`, 8 at most. */
static void append(uint8_t *to, uint32_t count, uint32_t bits, uint32_t rows)
{
	const uint32_t shift = count % 8;

	to += count / 8;
	bits = (bits & ((1u << rows) - 1)) << shift;
	*to = (uint8_t)((*to & ((1u << shift) - 1)) | bits);
	to[1] = (uint8_t)(bits >> 8);
}

/* Those of all rows of a span; of no bits at all, set ones. Returns how many there are then. */
static uint32_t append_all(uint8_t *to, uint32_t count, const uint8_t *bits,
			   const struct chunk_span *span)
{
	const uint32_t whole = span->rows / 8;

	if (bits)
		bits += span->from / 8;
	if (count % 8 == 0 && whole) {
		if (bits)
			memcpy(to + count / 8, bits, whole);
		else
			memset(to + count / 8, 0xff, whole);
	} else {
		for (uint32_t i = 0; i < whole; i++)
			append(to, count + i * 8, bits ? bits[i] : 0xff, 8);
	}
	if (span->rows % 8)
		append(to, count + whole * 8, bits ? bits[whole] : 0xff, span->rows % 8);
	return count + span->rows;
}

/* Those of `bits` where a bit of `present` is set, moved together. */
static uint32_t squeeze(uint32_t bits, uint32_t present)
{
	uint32_t squeezed = 0;

	if (present == 0xff)
		return bits;
	for (uint32_t count = 0; present; present &= present - 1, count++)
		squeezed |= (bits >> __builtin_ctz(present) & 1) << count;
	return squeezed;
}

static uint32_t append_present(uint8_t *to, uint32_t count, const struct chunk_span *span)
{
	const uint8_t *values = memory(span->values) + span->from / 8;
	const uint8_t *validity = memory(span->validity) + span->from / 8;

	for (uint32_t row = 0; row < span->rows; row += 8, values++, validity++) {
		const uint32_t left = span->rows - row;
		const uint32_t present = *validity & (left < 8 ? (1u << left) - 1 : 0xff);
		const uint32_t set = (uint32_t)__builtin_popcount(present);

		if (present)
			append(to, count, squeeze(*values, present), set);
		count += set;
	}
	return count;
}

uint32_t gather_bits(struct spans spans, uint8_t *to)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < spans.count; i++) {
		const struct chunk_span *span = &spans.first[i];

		if (span->validity)
			count = append_present(to, count, span);
		else
			count = append_all(to, count, memory(span->values), span);
	}
	return count;
}

void gather_validity(struct spans spans, uint8_t *to)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < spans.count; i++)
		count = append_all(to, count, memory(spans.first[i].validity), &spans.first[i]);
}

uint32_t count_set(const uint8_t *bits, uint32_t count)
{
	uint32_t set = 0;
	uint64_t many;

	for (; count >= 64; count -= 64, bits += sizeof(many)) {
		memcpy(&many, bits, sizeof(many));
		set += (uint32_t)__builtin_popcountll(many);
	}
	for (uint32_t i = 0; i < count; i++)
		set += bit_at(bits, i);
	return set;
}

static struct name name_at(const struct chunk_span *span, uint32_t row)
{
	const uint32_t *offsets = (const uint32_t *)memory(span->offsets);

	return (struct name){ memory(span->values) + offsets[row], offsets[row + 1] - offsets[row] };
}

uint32_t gather_names(struct spans spans, struct name *to)
{
	struct name *end = to;

	for (uint32_t i = 0; i < spans.count; i++) {
		const struct chunk_span *span = &spans.first[i];

		if (span->validity) {
			FOR_PRESENT(span, row)
				*end++ = name_at(span, row);
			continue;
		}
		for (uint32_t row = span->from; row < span->from + span->rows; row++)
			*end++ = name_at(span, row);
	}
	return (uint32_t)(end - to);
}

bool is_one_value(const uint8_t *values, uint32_t count, uint32_t width)
{
	return !memcmp(values, values + width, (uint64_t)(count - 1) * width);
}
