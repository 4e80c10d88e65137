// SPDX-License-Identifier: GPL-2.0
#include "bits.h"

#include <string.h>

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
