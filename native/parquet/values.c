// SPDX-License-Identifier: GPL-2.0
#include "values.h"

#include <errno.h>

#include "bits.h"
#include "bounds.h"
#include "packing.h"
#include "plain.h"

/* Names are told apart up to so many of them, and small dictionaries always pay. */
#define MOST_NAMES 4096u
#define FEW_ENTRIES 256u
/* What the frame of few differences may add; of many it adds nothing. */
#define FRAME 64u

static uint32_t width_of(const struct chunk *chunk)
{
	return chunk->call->type;
}

/* As INT32 where it is narrower. `which`: 0 the least, 1 the greatest. */
static struct name bound_at(struct chunk *chunk, const uint8_t *values, uint32_t at, int which)
{
	const uint32_t width = width_of(chunk);

	if (width >= 4)
		return (struct name){ values + (uint64_t)at * width, width };
	chunk->numbers[which] = width == 1 ? values[at] : ((const uint16_t *)values)[at];
	return (struct name){ (const uint8_t *)&chunk->numbers[which], 4 };
}

static void set_bounds(struct chunk *chunk, const uint8_t *values, uint32_t count)
{
	const bool is_signed = chunk->call->flags & CHUNK_SIGNED;
	const struct bounds found = find_bounds(values, count, width_of(chunk), is_signed);

	chunk->least = bound_at(chunk, values, found.least, 0);
	chunk->greatest = bound_at(chunk, values, found.greatest, 1);
	chunk->call->has_bounds = 1;
}

static void set_name_bounds(struct chunk *chunk, const struct name *names, uint32_t count)
{
	const struct bounds found = find_name_bounds(names, count);

	chunk->least = names[found.least];
	chunk->greatest = names[found.greatest];
	chunk->call->has_bounds = 1;
}

/* The entries of a column of codes are the words that they stand for. */
static int put_words(struct chunk *chunk)
{
	const struct chunk_call *call = chunk->call;
	const uint32_t *offsets = (const uint32_t *)(uintptr_t)call->words;
	const uint8_t *text = (const uint8_t *)(offsets + call->word_count + 1);
	struct name words[FEW_ENTRIES];

	for (uint32_t i = 0; i < chunk->dictionary.count; i++) {
		const uint8_t code = chunk->dictionary.entries[i];

		if (code >= call->word_count)
			return -ERANGE;
		words[i] = (struct name){ text + offsets[code], offsets[code + 1] - offsets[code] };
	}
	put_names(&chunk->page, words, chunk->dictionary.count);
	set_name_bounds(chunk, words, chunk->dictionary.count);
	return 0;
}

static int put_entries(struct chunk *chunk)
{
	const struct dictionary *dictionary = &chunk->dictionary;

	chunk->call->encoding = ENCODING_DICTIONARY;
	chunk->call->entries = dictionary->count;
	if (chunk->call->flags & CHUNK_CODES)
		return put_words(chunk);
	put_plain(&chunk->page, dictionary->entries, dictionary->count, width_of(chunk));
	set_bounds(chunk, dictionary->entries, dictionary->count);
	return 0;
}

static void put_indexes(struct chunk *chunk)
{
	const uint32_t width = index_width(chunk->dictionary.count);

	put_byte(&chunk->body, (uint8_t)width);
	if (chunk->dictionary.count == 1)
		put_run(&chunk->body, 0, chunk->call->present, width);
	else
		put_packed(&chunk->body, chunk->dictionary.indexes, chunk->call->present, width);
}

/* The most entries with which a dictionary takes less than the values: an index has two bytes at most. */
static uint32_t most_entries(const struct chunk *chunk)
{
	const uint64_t count = chunk->call->present;
	const uint64_t paying = width_of(chunk) <= 4 ? count / 2 : count * 7 / 8;
	const uint64_t most = paying > FEW_ENTRIES ? paying : FEW_ENTRIES;

	return most < MOST_ENTRIES ? (uint32_t)most : MOST_ENTRIES;
}

/* False where differences would be larger than the values: the body is then as it was. */
static bool put_growing(struct chunk *chunk, const uint8_t *values)
{
	const uint32_t width = width_of(chunk), count = chunk->call->present;
	const uint64_t start = chunk->body.at, plain = (uint64_t)count * (width < 4 ? 4 : width);

	if (width == 16)
		return false;
	put_deltas(&chunk->body, values, count, width);
	if (chunk->body.at - start > plain + FRAME) {
		chunk->body.at = start;
		return false;
	}
	chunk->call->encoding = ENCODING_DELTA;
	return true;
}

static int put_numbers(struct chunk *chunk)
{
	const uint8_t *values = chunk->values;
	const uint32_t width = width_of(chunk), count = gather(chunk->spans, width, chunk->values);
	const bool is_one = is_one_value(values, count, width);
	const bool grows = chunk->call->flags & CHUNK_GROWS;

	if (is_one)
		set_one_entry(&chunk->dictionary, values, width);
	if (is_one || (!grows && find_entries(&chunk->dictionary, values, count, width,
					      most_entries(chunk)))) {
		put_indexes(chunk);
		return put_entries(chunk);
	}
	if (!put_growing(chunk, values)) {
		put_plain(&chunk->body, values, count, width);
		chunk->call->encoding = ENCODING_PLAIN;
	}
	set_bounds(chunk, values, count);
	return 0;
}

/* Of too many different names no bounds are kept: they would tell nothing. */
static int put_all_names(struct chunk *chunk)
{
	struct name *names = chunk->values;
	const uint32_t count = gather_names(chunk->spans, names);
	const struct name *entries = (const struct name *)chunk->dictionary.entries;

	if (!find_names(&chunk->dictionary, names, count, MOST_NAMES)) {
		put_names(&chunk->body, names, count);
		chunk->call->encoding = ENCODING_PLAIN;
		return 0;
	}
	put_indexes(chunk);
	put_names(&chunk->page, entries, chunk->dictionary.count);
	set_name_bounds(chunk, entries, chunk->dictionary.count);
	chunk->call->encoding = ENCODING_DICTIONARY;
	chunk->call->entries = chunk->dictionary.count;
	return 0;
}

static int put_truth(struct chunk *chunk)
{
	static const uint8_t falsehood = 0, truth = 1;
	uint8_t *bits = chunk->values;
	const uint32_t count = gather_bits(chunk->spans, bits), set = count_set(bits, count);

	put_bits(&chunk->body, bits, count, set);
	chunk->least = (struct name){ set == count ? &truth : &falsehood, 1 };
	chunk->greatest = (struct name){ set ? &truth : &falsehood, 1 };
	chunk->call->has_bounds = 1;
	chunk->call->encoding = ENCODING_RLE;
	return 0;
}

int put_values(struct chunk *chunk)
{
	if (!chunk->call->present)
		return 0;
	switch (chunk->call->type) {
	case CHUNK_BITS:
		return put_truth(chunk);
	case CHUNK_NAMES:
		return put_all_names(chunk);
	default:
		return put_numbers(chunk);
	}
}
