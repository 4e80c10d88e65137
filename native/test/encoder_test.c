// SPDX-License-Identifier: GPL-2.0
/* Columns of one row group, shared by threads: what comes out, and how they end. */
#include "encoder_test.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "parquet/chunk.h"

#define ROWS	  5000u
#define COLUMNS	  23u
#define OUT_BYTES (2u << 20)

struct columns {
	struct chunk_call chunks[COLUMNS];
	struct chunk_span spans[COLUMNS];
	uint8_t *values[COLUMNS];
	uint8_t out[OUT_BYTES];
	struct chunks_call call;
};

static uint64_t address(const void *memory)
{
	return (uint64_t)(uintptr_t)memory;
}

/* All widths, from one different value to as many as there are rows. */
static struct columns *columns_open(void)
{
	static const uint32_t types[] = { CHUNK_16, CHUNK_1, CHUNK_8, CHUNK_2, CHUNK_4 };
	struct columns *columns = calloc(1, sizeof(*columns));
	uint32_t state = 11;

	for (uint32_t i = 0; i < COLUMNS; i++) {
		const uint32_t type = types[i % 5];

		columns->values[i] = malloc(ROWS * type);
		for (uint32_t at = 0; at < ROWS * type; at++) {
			state = state * 1664525u + 1013904223u;
			columns->values[i][at] = (uint8_t)((state >> 24) % (1 + i * 11));
		}
		columns->spans[i] = (struct chunk_span){ .values = address(columns->values[i]),
							 .rows = ROWS - i };
		columns->chunks[i] = (struct chunk_call){ .spans = address(&columns->spans[i]),
							  .span_count = 1,
							  .type = type,
							  .flags = i % 3 ? 0 : CHUNK_GROWS };
	}
	columns->call = (struct chunks_call){ .chunks = address(columns->chunks),
					      .out = address(columns->out),
					      .capacity = OUT_BYTES,
					      .chunk_count = COLUMNS };
	return columns;
}

static void columns_close(struct columns *columns)
{
	for (uint32_t i = 0; i < COLUMNS; i++)
		free(columns->values[i]);
	free(columns);
}

static int encode(struct columns *columns, struct chunk_encoder *encoder, uint32_t helpers)
{
	columns->call.encoder = address(encoder);
	columns->call.helpers = helpers;
	return chunks_encode(&columns->call);
}

static uint32_t bytes_of(const struct chunk_call *chunk)
{
	return chunk->dictionary_bytes + chunk->data_bytes + chunk->least_bytes +
	       chunk->greatest_bytes;
}

/* Column by column: where in `out` one lies is not the same each time. */
static void check_same(const struct columns *found, const struct columns *wanted)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < COLUMNS; i++) {
		const struct chunk_call *chunk = &found->chunks[i], *alone = &wanted->chunks[i];

		EQUAL(bytes_of(chunk), bytes_of(alone));
		HOLDS(!memcmp(&chunk->present, &alone->present, 10 * sizeof(uint32_t)));
		HOLDS(!memcmp(found->out + chunk->out_at, wanted->out + alone->out_at,
			      bytes_of(chunk)));
		bytes += bytes_of(chunk);
	}
	EQUAL(found->call.out_bytes, bytes);
}

/* Again and again with the same threads, which have met other columns before. */
void test_encoder_same_bytes(void)
{
	static const uint32_t helpers[] = { 0, 1, 2, 5, 1 };
	struct chunk_encoder *alone = chunk_encoder_open(1), *encoder = chunk_encoder_open(1);
	struct columns *wanted = columns_open(), *found = columns_open();

	EQUAL(encode(wanted, alone, 0), 0);
	for (uint32_t i = 0; i < 50; i++) {
		memset(found->out, 0xaa, sizeof(found->out));
		EQUAL(encode(found, encoder, helpers[i / 10]), 0);
		check_same(found, wanted);
	}
	chunk_encoder_close(alone);
	chunk_encoder_close(encoder);
	columns_close(found);
	columns_close(wanted);
}

void test_encoder_errors(void)
{
	struct chunk_encoder *encoder = chunk_encoder_open(1);
	struct columns *columns = columns_open();

	for (uint32_t i = 0; i < COLUMNS; i++) {
		const uint32_t type = columns->chunks[i].type;

		columns->chunks[i].type = 7;
		EQUAL((uint32_t)encode(columns, encoder, 2), (uint32_t)-EINVAL);
		columns->chunks[i].type = type;
		EQUAL(encode(columns, encoder, 2), 0);
	}
	columns->call.chunk_count = 0;
	EQUAL(encode(columns, encoder, 2), 0);
	EQUAL(columns->call.out_bytes, 0);
	chunk_encoder_close(encoder);
	columns_close(columns);
}

/* Nothing is written behind what there is room for, and what is needed suffices. */
void test_encoder_needed(void)
{
	struct chunk_encoder *encoder = chunk_encoder_open(1);
	struct columns *wanted = columns_open(), *found = columns_open();
	uint64_t needed;

	EQUAL(encode(wanted, encoder, 0), 0);
	found->call.capacity = wanted->call.out_bytes / 2;
	memset(found->out, 0xaa, sizeof(found->out));
	EQUAL((uint32_t)encode(found, encoder, 1), (uint32_t)-ENOBUFS);
	for (uint64_t at = found->call.capacity; at < sizeof(found->out); at++)
		EQUAL(found->out[at], 0xaa);
	needed = found->call.out_bytes;
	found->call.capacity = needed - 1;
	EQUAL((uint32_t)encode(found, encoder, 1), (uint32_t)-ENOBUFS);
	found->call.capacity = needed;
	EQUAL(encode(found, encoder, 1), 0);
	check_same(found, wanted);
	chunk_encoder_close(encoder);
	columns_close(found);
	columns_close(wanted);
}

static uint32_t threads_here(void)
{
	DIR *tasks = opendir("/proc/self/task");
	uint32_t threads = 0;

	HOLDS(tasks);
	while (readdir(tasks))
		threads++;
	closedir(tasks);
	return threads;
}

/* One that was joined may still be in the list for a moment. */
static void check_threads(uint32_t wanted)
{
	for (uint32_t i = 0; i < 1000000 && threads_here() != wanted; i++)
		sched_yield();
	EQUAL(threads_here(), wanted);
}

/* At once, before they have begun to wait, and after work. */
void test_encoder_ends(void)
{
	struct columns *columns = columns_open();
	const uint32_t before = threads_here();

	for (uint32_t i = 0; i < 40; i++) {
		struct chunk_encoder *encoder = chunk_encoder_open(1);

		columns->call.chunk_count = i % 2 ? COLUMNS : 0;
		EQUAL(encode(columns, encoder, 0), 0);
		check_threads(before);
		EQUAL(encode(columns, encoder, 3), 0);
		EQUAL(encode(columns, encoder, 1), 0);
		check_threads(before + 3);
		chunk_encoder_close(encoder);
		check_threads(before);
	}
	columns_close(columns);
}
