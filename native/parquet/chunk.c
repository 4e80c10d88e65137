// SPDX-License-Identifier: GPL-2.0
/* One column of a row group: levels, then whichever form of its values is small. */
#include "scratch.h"

#include <errno.h>
#include <stdlib.h>

#include "../compress.h"
#include "bits.h"
#include "packing.h"
#include "values.h"

/* src/libbpf/chunk-encoder.ts writes them by offset. */
_Static_assert(sizeof(struct chunk_span) == 32, "layout of chunk_span");
_Static_assert(sizeof(struct chunk_call) == 80, "layout of chunk_call");

struct memory {
	void *at;
	uint64_t capacity;
};

struct scratch {
	struct compressor *compressor;
	struct memory values, indexes, entries, body, page, pages;
	uint32_t slots[SLOTS];
};

struct scratch *scratch_open(int level)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));

	if (!scratch)
		return NULL;
	scratch->compressor = compressor_open(level);
	if (scratch->compressor)
		return scratch;
	free(scratch);
	return NULL;
}

void scratch_close(struct scratch *scratch)
{
	if (!scratch)
		return;
	compressor_close(scratch->compressor);
	free(scratch->values.at);
	free(scratch->indexes.at);
	free(scratch->entries.at);
	free(scratch->body.at);
	free(scratch->page.at);
	free(scratch->pages.at);
	free(scratch);
}

/* What was in it is gone. */
static bool reserve(struct memory *memory, uint64_t bytes)
{
	if (bytes <= memory->capacity)
		return true;
	free(memory->at);
	memory->at = malloc(bytes);
	memory->capacity = memory->at ? bytes : 0;
	return memory->at;
}

static bool is_of_names(const struct chunk *chunk)
{
	return chunk->call->type == CHUNK_NAMES;
}

/* Bytes of all names; of words those of all there are. */
static uint64_t name_bytes(const struct chunk *chunk)
{
	const uint32_t *words = (const uint32_t *)(uintptr_t)chunk->call->words;
	uint64_t bytes = 0;

	if (chunk->call->flags & CHUNK_CODES)
		return words[chunk->call->word_count];
	for (uint32_t i = 0; is_of_names(chunk) && i < chunk->spans.count; i++) {
		const struct chunk_span *span = &chunk->spans.first[i];
		const uint32_t *offsets = (const uint32_t *)(uintptr_t)span->offsets;

		bytes += offsets[span->from + span->rows] - offsets[span->from];
	}
	return bytes;
}

/* Memory for the most there can be, so that nothing after it can fail for want of some. */
static bool prepare(struct scratch *scratch, struct chunk *chunk)
{
	const uint64_t rows = chunk->rows, names = name_bytes(chunk);
	const uint64_t size = sizeof(struct name) > 16 ? sizeof(struct name) : 16;
	const uint64_t levels = 32 + rows / 8;
	const uint64_t entries = rows < MOST_ENTRIES ? rows + 256 : MOST_ENTRIES;

	if (!reserve(&scratch->values, (rows + 8) * size) ||
	    !reserve(&scratch->indexes, (rows + 8) * sizeof(uint32_t)) ||
	    !reserve(&scratch->entries, entries * size) ||
	    !reserve(&scratch->body, levels + rows * 16 + names + most_of_deltas(rows, 8)) ||
	    !reserve(&scratch->page, entries * 16 + names))
		return false;
	chunk->dictionary = (struct dictionary){ .slots = scratch->slots,
						 .indexes = scratch->indexes.at,
						 .entries = scratch->entries.at };
	chunk->values = scratch->values.at;
	chunk->body.bytes = scratch->body.at;
	chunk->page.bytes = scratch->page.at;
	return true;
}

/* Returns 0, or -EINVAL: a column without levels has rows without a value. */
static int put_levels(struct chunk *chunk)
{
	uint8_t *bits = chunk->values;

	chunk->call->present = chunk->rows;
	if (!(chunk->call->flags & CHUNK_NULLABLE))
		return spans_have_nulls(chunk->spans) ? -EINVAL : 0;
	if (spans_have_nulls(chunk->spans)) {
		gather_validity(chunk->spans, bits);
		chunk->call->present = count_set(bits, chunk->rows);
	}
	put_bits(&chunk->body, bits, chunk->rows, chunk->call->present);
	return 0;
}

/* One page, compressed, to the end of `pages`. Returns its length or a negative errno. */
static int put_page(struct scratch *scratch, struct sink *pages, const struct sink *page)
{
	const uint64_t room = scratch->pages.capacity - pages->at;
	const int bytes = compressor_run(scratch->compressor, pages->bytes + pages->at, room,
					 page->bytes, page->at);

	if (bytes > 0)
		pages->at += (uint64_t)bytes;
	return bytes;
}

static int put_pages(struct scratch *scratch, struct chunk *chunk, struct sink *pages)
{
	struct chunk_call *call = chunk->call;
	const uint64_t bounds = (uint64_t)chunk->least.length + chunk->greatest.length;
	int bytes = 0;

	if (!reserve(&scratch->pages, compressor_most(chunk->page.at) +
					      compressor_most(chunk->body.at) + bounds))
		return -ENOMEM;
	*pages = (struct sink){ .bytes = scratch->pages.at };
	call->dictionary_plain = (uint32_t)chunk->page.at;
	call->data_plain = (uint32_t)chunk->body.at;
	if (call->entries)
		bytes = put_page(scratch, pages, &chunk->page);
	if (bytes < 0)
		return bytes;
	call->dictionary_bytes = (uint32_t)bytes;
	bytes = put_page(scratch, pages, &chunk->body);
	if (bytes < 0)
		return bytes;
	call->data_bytes = (uint32_t)bytes;
	call->least_bytes = chunk->least.length;
	call->greatest_bytes = chunk->greatest.length;
	put_bytes(pages, chunk->least.bytes, chunk->least.length);
	put_bytes(pages, chunk->greatest.bytes, chunk->greatest.length);
	return 0;
}

static bool is_known(uint32_t type)
{
	return type == CHUNK_BITS || type == CHUNK_NAMES ||
	       (type <= CHUNK_16 && !(type & (type - 1)));
}

int chunk_encode(struct scratch *scratch, struct chunk_call *call, struct sink *pages)
{
	struct chunk chunk = {
		.call = call,
		.spans = { (const struct chunk_span *)(uintptr_t)call->spans, call->span_count },
	};
	int result;

	if (!is_known(call->type))
		return -EINVAL;
	chunk.rows = spans_rows(chunk.spans);
	call->encoding = ENCODING_PLAIN;
	call->entries = 0;
	call->has_bounds = 0;
	if (!prepare(scratch, &chunk))
		return -ENOMEM;
	result = put_levels(&chunk);
	if (!result)
		result = put_values(&chunk);
	return result ? result : put_pages(scratch, &chunk, pages);
}
