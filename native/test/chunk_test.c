// SPDX-License-Identifier: GPL-2.0
/*
 * What a chunk's pages are made of is read back by three readers of Parquet in
 * test/export/parquet. Here: that no memory but its own is touched, that pages
 * have the lengths that are told, and what is refused.
 */
#include "chunk_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "check.h"
#include "parquet/chunk.h"

#define MOST_ROWS 70000u
#define OUT_BYTES (4u << 20)

static uint8_t out[OUT_BYTES], plain[OUT_BYTES];

/* One column alone, into `capacity` bytes of `out`. */
static int encode_one(struct chunk_encoder *encoder, struct chunk_call *chunk, uint64_t capacity)
{
	struct chunks_call call = { .encoder = (uintptr_t)encoder,
				    .chunks = (uintptr_t)chunk,
				    .out = (uintptr_t)out,
				    .capacity = capacity,
				    .chunk_count = 1 };
	const int result = chunks_encode(&call);

	if (result)
		return result;
	EQUAL(chunk->out_at, 0);
	EQUAL(call.out_bytes, chunk->dictionary_bytes + chunk->data_bytes + chunk->least_bytes +
				      chunk->greatest_bytes);
	return 0;
}

static uint32_t random_from(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* Memory of just so many bytes: one too many is seen by the sanitizer. */
static uint8_t *random_bytes(uint64_t bytes, uint32_t below, uint64_t *state)
{
	uint8_t *memory = malloc(bytes ? bytes : 1);

	for (uint64_t i = 0; i < bytes; i++)
		memory[i] = (uint8_t)(random_from(state) % below);
	return memory;
}

static uint64_t address(const void *memory)
{
	return (uint64_t)(uintptr_t)memory;
}

static uint32_t bits_set(const uint8_t *bits, uint32_t rows)
{
	uint32_t set = 0;

	for (uint32_t row = 0; row < rows; row++)
		set += bits[row / 8] >> row % 8 & 1;
	return set;
}

static void check_pages(const struct chunk_call *call)
{
	if (call->entries)
		EQUAL(ZSTD_decompress(plain, sizeof(plain), out, call->dictionary_bytes),
		      call->dictionary_plain);
	EQUAL(ZSTD_decompress(plain, sizeof(plain), out + call->dictionary_bytes, call->data_bytes),
	      call->data_plain);
}

static void encode_random(struct chunk_encoder *encoder, uint32_t type, uint32_t rows,
			  uint32_t below, uint64_t *state)
{
	const uint64_t bytes = type ? (uint64_t)rows * type : (rows + 7) / 8;
	uint8_t *values = random_bytes(bytes, below, state);
	uint8_t *validity = random_bytes((rows + 7) / 8, 256, state);
	struct chunk_span span = { .values = address(values),
				   .validity = address(validity),
				   .rows = rows };
	struct chunk_call call = { .spans = address(&span), .span_count = 1, .type = type };

	call.flags = CHUNK_NULLABLE | (random_from(state) % 2 ? CHUNK_GROWS : 0);
	EQUAL(encode_one(encoder, &call, sizeof(out)), 0);
	EQUAL(call.present, bits_set(validity, rows));
	EQUAL(call.has_bounds, call.present > 0);
	check_pages(&call);
	free(values);
	free(validity);
}

void test_chunk_sizes(void)
{
	static const uint32_t types[] = { CHUNK_BITS, CHUNK_1, CHUNK_2, CHUNK_4, CHUNK_8, CHUNK_16 };
	static const uint32_t sizes[] = { 1, 7, 8, 129, 4096, MOST_ROWS };
	static const uint32_t below[] = { 1, 2, 13, 256 };
	struct chunk_encoder *encoder = chunk_encoder_open(1);
	uint64_t state = 7;

	for (uint32_t i = 0; i < 6 * 6 * 4; i++)
		encode_random(encoder, types[i % 6], sizes[i / 6 % 6], below[i / 36], &state);
	chunk_encoder_close(encoder);
	chunk_encoder_close(NULL);
}

/* Numbers that jump from end to end: differences of all widths, modulo 2^64. */
void test_chunk_deltas(void)
{
	struct chunk_encoder *encoder = chunk_encoder_open(1);
	uint64_t values[300], state = 3;
	struct chunk_span span = { .values = address(values), .rows = 300 };
	struct chunk_call call = { .spans = address(&span),
				   .span_count = 1,
				   .type = CHUNK_8,
				   .flags = CHUNK_GROWS | CHUNK_SIGNED };

	for (uint32_t bits = 1; bits <= 64; bits++) {
		uint64_t most = bits == 64 ? UINT64_MAX : (1ull << bits) - 1;

		for (uint32_t i = 0; i < 300; i++)
			values[i] = ((uint64_t)random_from(&state) << 32 ^ random_from(&state)) &
				    most;
		EQUAL(encode_one(encoder, &call, sizeof(out)), 0);
		EQUAL(call.encoding, bits < 56 ? ENCODING_DELTA : call.encoding);
		check_pages(&call);
	}
	chunk_encoder_close(encoder);
}

void test_chunk_refusals(void)
{
	struct chunk_encoder *encoder = chunk_encoder_open(1);
	uint8_t codes[] = { 0, 2, 1 };
	uint32_t words[3 + 1] = { 0, 3, 4 }; /* offsets of two, then their four bytes */
	struct chunk_span span = { .values = address(codes), .rows = 3 };
	struct chunk_call call = { .spans = address(&span), .words = address(words),
				   .span_count = 1,	    .type = CHUNK_1,
				   .flags = CHUNK_CODES,    .word_count = 2 };

	memcpy(&words[3], "dropGO" + 2, 4);
	EQUAL((uint32_t)encode_one(encoder, &call, sizeof(out)), (uint32_t)-ERANGE);
	codes[1] = 1;
	EQUAL(encode_one(encoder, &call, sizeof(out)), 0);
	EQUAL(call.entries, 2);
	EQUAL(call.least_bytes + call.greatest_bytes, 4);
	EQUAL((uint32_t)encode_one(encoder, &call, call.dictionary_bytes + call.data_bytes + 3),
	      (uint32_t)-ENOBUFS);
	EQUAL((uint32_t)encode_one(encoder, &call, 5), (uint32_t)-ENOBUFS);
	span.validity = address(codes);
	EQUAL((uint32_t)encode_one(encoder, &call, sizeof(out)), (uint32_t)-EINVAL);
	span.validity = 0;
	call.type = 3;
	EQUAL((uint32_t)encode_one(encoder, &call, sizeof(out)), (uint32_t)-EINVAL);
	chunk_encoder_close(encoder);
}
