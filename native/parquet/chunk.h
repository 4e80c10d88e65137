/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Columns of a row group as Parquet wants them: levels and values encoded,
 * pages compressed. Headers of pages and all metadata are the caller's. One
 * call for all columns of many thousand rows, into memory that the caller owns;
 * threads may help the caller, and what comes out is the same with any number.
 *
 * The chosen forms are those of the Parquet format, Encodings.md: the hybrid of
 * runs and packed bits for levels, booleans and indexes into a dictionary,
 * DELTA_BINARY_PACKED for numbers that grow, PLAIN for the rest. Pages are of
 * version 1, with levels and values compressed together.
 */
#ifndef CONNTRAIL_CHUNK_H
#define CONNTRAIL_CHUNK_H

#include <stdint.h>

#pragma GCC visibility push(default)

enum chunk_type {
	CHUNK_BITS = 0, /* one bit a value, least significant first */
	CHUNK_1 = 1,    /* unsigned numbers of so many bytes, little endian */
	CHUNK_2 = 2,
	CHUNK_4 = 4,
	CHUNK_8 = 8,    /* with CHUNK_SIGNED: of two's complement */
	CHUNK_16 = 16,  /* bytes in a row, which compare from the first on */
	CHUNK_NAMES = 32, /* of any length: `offsets` tells where each begins */
};

enum chunk_flag {
	CHUNK_NULLABLE = 1, /* it has definition levels */
	CHUNK_GROWS = 2,    /* from row to row: a dictionary need not be tried */
	CHUNK_SIGNED = 4,
	CHUNK_CODES = 8,    /* numbers of words: `words` has what they stand for */
};

/* Numbers of the format's enum Encoding. */
enum chunk_encoding {
	ENCODING_PLAIN = 0,
	ENCODING_RLE = 3,
	ENCODING_DELTA = 5,
	ENCODING_DICTIONARY = 8,
};

/* Rows of one batch. Addresses are those of its first row, not of row `from`. */
struct chunk_span {
	uint64_t values;
	uint64_t offsets;  /* of names: uint32_t, one more than rows */
	uint64_t validity; /* a set bit for each row that has a value; 0: all have */
	uint32_t from;     /* a multiple of 8 */
	uint32_t rows;
};

/* One column. */
struct chunk_call {
	uint64_t spans; /* struct chunk_span, `span_count` of them */
	uint64_t words; /* CHUNK_CODES: word_count + 1 offsets of 32 bits, then the bytes they point into */
	/*
	 * Result: where in `out` it begins. There, one after the other: the
	 * dictionary's page if it has entries, the data page, the least value, the
	 * greatest.
	 */
	uint64_t out_at;
	uint32_t span_count;
	uint32_t type;
	uint32_t flags;
	uint32_t word_count;
	/* Results. */
	uint32_t present; /* rows that have a value */
	uint32_t encoding;
	uint32_t entries; /* of the dictionary; 0: no page */
	uint32_t dictionary_plain, dictionary_bytes; /* before compression, and after */
	uint32_t data_plain, data_bytes;
	uint32_t least_bytes, greatest_bytes; /* both 0 and not `has_bounds`: there are none */
	uint32_t has_bounds;
};

struct chunks_call {
	uint64_t encoder; /* struct chunk_encoder */
	uint64_t chunks;  /* struct chunk_call, `chunk_count` of them */
	uint64_t out;
	uint64_t capacity;  /* bytes at `out` */
	uint64_t out_bytes; /* result: so many are used; with -ENOBUFS, are needed */
	uint32_t chunk_count;
	uint32_t helpers; /* threads that help the caller, at most MOST_HELPERS; they stay until the encoder is closed */
};

#define MOST_HELPERS 15u

struct chunk_encoder;

/* NULL: no memory. `level`: of zstd. One thread at a time may be inside of an encoder. */
struct chunk_encoder *chunk_encoder_open(int level);

/*
 * Returns 0, or a negative errno: -ENOBUFS where `capacity` does not suffice,
 * -ENOMEM, -ERANGE where a code has no word, -EINVAL for an unknown type, or
 * validity without CHUNK_NULLABLE. A helper that cannot be had is done without.
 */
int chunks_encode(struct chunks_call *call);

/* Ends its threads. */
void chunk_encoder_close(struct chunk_encoder *encoder);

#pragma GCC visibility pop

#endif
