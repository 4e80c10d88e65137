// SPDX-License-Identifier: GPL-2.0
#include "bits.h"

#include <string.h>

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
