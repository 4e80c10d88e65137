// SPDX-License-Identifier: GPL-2.0
#include "compress_test.h"

#include <errno.h>
#include <string.h>
#include <zstd.h>

#include "check.h"
#include "compress.h"

#define BYTES 100000

static unsigned char plain[BYTES], packed[BYTES + 1000], again[BYTES];

static void fill(unsigned turn)
{
	for (unsigned i = 0; i < BYTES; i++)
		plain[i] = (unsigned char)((i * i >> 7) + turn);
}

/* Several frames from one compressor: none refers to another. */
void test_compress_whole(void)
{
	struct compressor *compressor = compressor_open(1);

	HOLDS(compressor);
	for (unsigned turn = 0; turn < 3; turn++) {
		uint64_t bytes = turn == 1 ? 0 : BYTES - turn;
		int written;

		fill(turn);
		written = compressor_run(compressor, packed, sizeof(packed), plain, bytes);
		HOLDS(written > 0);
		HOLDS((uint64_t)written < bytes + 20);
		EQUAL(ZSTD_getFrameContentSize(packed, (size_t)written), bytes);
		EQUAL(ZSTD_decompress(again, BYTES, packed, (size_t)written), bytes);
		HOLDS(!memcmp(plain, again, bytes));
	}
	compressor_close(compressor);
	compressor_close(NULL);
}

void test_compress_no_room(void)
{
	struct compressor *compressor = compressor_open(1);

	fill(7);
	EQUAL((uint64_t)-compressor_run(compressor, packed, 5, plain, BYTES), ENOBUFS);
	EQUAL((uint64_t)-compressor_run(compressor, packed, 5, plain, UINT64_MAX), EINVAL);
	HOLDS(compressor_run(compressor, packed, sizeof(packed), plain, BYTES) > 0);
	compressor_close(compressor);
}
