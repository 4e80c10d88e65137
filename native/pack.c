// SPDX-License-Identifier: GPL-2.0
/* Bits of columns, packed as Arrow wants them. */
#include <stdbool.h>
#include <string.h>

#include "columns.h"

/* src/libbpf/columns.ts writes them by offset. */
_Static_assert(sizeof(struct packed) == 16, "layout of packed");

/* Which bits are set in any word, and which in all. */
static void survey(const uint32_t *words, uint32_t rows, uint32_t *any, uint32_t *all)
{
	uint32_t some = 0, every = ~0u;

	for (uint32_t row = 0; row < rows; row++) {
		some |= words[row];
		every &= words[row];
	}
	*any = some;
	*all = every;
}

static uint32_t pack_bit(const uint32_t *words, uint32_t rows, uint32_t bit, uint8_t *bits)
{
	uint32_t set = 0;

	for (uint32_t row = 0; row < rows; row += 8) {
		const uint32_t count = rows - row < 8 ? rows - row : 8;
		uint32_t byte = 0;

		for (uint32_t i = 0; i < count; i++)
			byte |= (words[row + i] >> bit & 1) << i;
		bits[row / 8] = (uint8_t)byte;
		set += (uint32_t)__builtin_popcount(byte);
	}
	return set;
}

/* The same bit in all rows. */
static void pack_same(uint32_t rows, bool value, uint8_t *bits)
{
	memset(bits, value ? 0xff : 0, (rows + 7) / 8);
	if (value && rows % 8)
		bits[rows / 8] = (uint8_t)((1u << rows % 8) - 1);
}

void columns_pack(struct pack *pack)
{
	uint8_t *memory = (uint8_t *)(uintptr_t)pack->memory;
	const uint32_t *surveyed = NULL;
	uint32_t any = 0, all = 0;

	for (struct packed *packed = pack->packed; packed < pack->packed + pack->count; packed++) {
		const uint32_t *words = (const uint32_t *)(memory + packed->words);
		uint8_t *bits = memory + packed->bits;

		if (words != surveyed)
			survey(words, pack->rows, &any, &all);
		surveyed = words;
		if (any >> packed->bit & 1 && !(all >> packed->bit & 1)) {
			packed->set = pack_bit(words, pack->rows, packed->bit, bits);
			continue;
		}
		packed->set = any >> packed->bit & 1 ? pack->rows : 0;
		pack_same(pack->rows, packed->set > 0, bits);
	}
}
