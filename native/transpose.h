/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows of words (src/model/row-layout.ts) to columns as Arrow has them. Names
 * are not copied: they are the caller's to look up.
 */
#ifndef CONNTRAIL_TRANSPOSE_H
#define CONNTRAIL_TRANSPOSE_H

#include <stdint.h>

#pragma GCC visibility push(default)

enum transposed_as {
	AS_BIT = 0, /* set where the word is not 0; least significant bit first */
	AS_1 = 1,   /* so many bytes, little endian */
	AS_2 = 2,
	AS_4 = 4,
	AS_8 = 8,
	AS_16 = 16, /* as they are */
	AS_TIME = 64, /* 8 bytes, with `struct transpose_call.shift` added */
	AS_NOTHING = 255, /* its nulls alone */
};

struct transposed {
	uint32_t word; /* of the column within a row */
	uint32_t as;
	uint32_t values;   /* offset in the caller's memory; of numbers a multiple of their size */
	uint32_t validity; /* the same, ~0 for a column that has none */
	uint32_t null_bit; /* among the null words of a row */
	uint32_t nulls;	   /* out */
};

struct transpose_call {
	uint64_t rows; /* address: `count` rows of `stride` words */
	uint64_t memory; /* address of the columns' */
	uint64_t shift;
	uint64_t columns; /* address: struct transposed, `column_count` of them */
	uint32_t stride, count;
	uint32_t column_count;
	uint32_t unused;
};

/* Bits past the last row are 0. */
void transpose(const struct transpose_call *call);

#pragma GCC visibility pop

#endif
