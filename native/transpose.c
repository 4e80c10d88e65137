// SPDX-License-Identifier: GPL-2.0
#include "transpose.h"

#include <string.h>

/* src/libbpf/transpose.ts writes them by offset. */
_Static_assert(sizeof(struct transposed) == 24, "layout of transposed");
_Static_assert(sizeof(struct transpose_call) == 48, "layout of transpose_call");

#define TILE 256 /* rows: all columns of a tile before the next, so that its rows stay in the cache */
#define NO_VALIDITY (~0u)

struct run {
	const uint32_t *rows; /* the first one */
	uint32_t stride;
	uint32_t from, count; /* place of the first one among all, a multiple of 8 */
};

#define EACH(run, word, row, at)                                                        \
	const uint32_t *at = (run)->rows + (word);                                      \
	for (uint32_t row = 0; row < (run)->count; row++, at += (run)->stride)

static void copy_bits(const struct run *run, uint32_t word, uint8_t *to)
{
	uint32_t byte = 0;

	to += run->from / 8;
	EACH(run, word, row, at)
	{
		byte |= (uint32_t)(*at != 0) << (row & 7);
		if ((row & 7) != 7 && row + 1 != run->count)
			continue;
		to[row / 8] = (uint8_t)byte;
		byte = 0;
	}
}

/* Set where there is a value. Returns how many have none. */
static uint32_t copy_validity(const struct run *run, uint32_t null_bit, uint8_t *to)
{
	const uint32_t bit = null_bit & 31;
	uint32_t byte = 0, nulls = 0;

	to += run->from / 8;
	EACH(run, null_bit >> 5, row, at)
	{
		const uint32_t is_null = *at >> bit & 1;

		nulls += is_null;
		byte |= (is_null ^ 1) << (row & 7);
		if ((row & 7) != 7 && row + 1 != run->count)
			continue;
		to[row / 8] = (uint8_t)byte;
		byte = 0;
	}
	return nulls;
}

static void copy_times(const struct run *run, uint32_t word, uint64_t *to, uint64_t shift)
{
	to += run->from;
	EACH(run, word, row, at)
	{
		uint64_t time;

		memcpy(&time, at, sizeof(time));
		to[row] = time + shift;
	}
}

#define COPY_NUMBERS(type)                                                              \
	do {                                                                            \
		type *numbers = (type *)to + run->from;                                 \
		EACH(run, column->word, row, at) numbers[row] = (type)*at;              \
	} while (0)

#define COPY_BYTES(size)                                                                \
	do {                                                                            \
		uint8_t *bytes = to + (uint64_t)run->from * (size);                     \
		EACH(run, column->word, row, at) memcpy(bytes + row * (size), at, size); \
	} while (0)

static void copy_column(const struct run *run, const struct transposed *column, uint8_t *to,
			uint64_t shift)
{
	switch (column->as) {
	case AS_BIT:
		copy_bits(run, column->word, to);
		break;
	case AS_1:
		COPY_NUMBERS(uint8_t);
		break;
	case AS_2:
		COPY_NUMBERS(uint16_t);
		break;
	case AS_4:
		COPY_NUMBERS(uint32_t);
		break;
	case AS_8:
		COPY_BYTES(8);
		break;
	case AS_16:
		COPY_BYTES(16);
		break;
	case AS_TIME:
		copy_times(run, column->word, (uint64_t *)to, shift);
		break;
	default:
		break;
	}
}

void transpose(const struct transpose_call *call)
{
	struct transposed *columns = (struct transposed *)(uintptr_t)call->columns;
	uint8_t *memory = (uint8_t *)(uintptr_t)call->memory;
	const uint32_t *rows = (const uint32_t *)(uintptr_t)call->rows;

	for (uint32_t i = 0; i < call->column_count; i++)
		columns[i].nulls = 0;
	for (uint32_t from = 0; from < call->count; from += TILE) {
		const struct run run = { rows + (uint64_t)from * call->stride, call->stride, from,
					 call->count - from < TILE ? call->count - from : TILE };

		for (uint32_t i = 0; i < call->column_count; i++) {
			struct transposed *column = columns + i;

			copy_column(&run, column, memory + column->values, call->shift);
			if (column->validity != NO_VALIDITY)
				column->nulls += copy_validity(&run, column->null_bit,
							       memory + column->validity);
		}
	}
}
