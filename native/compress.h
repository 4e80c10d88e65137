/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Compression with zstd into memory that the caller owns. A compressor keeps
 * its tables between calls; one thread at a time may be inside of it.
 */
#ifndef CONNTRAIL_COMPRESS_H
#define CONNTRAIL_COMPRESS_H

#include <stdint.h>

struct compressor;

/* NULL: no memory. */
struct compressor *compressor_open(int level);

/*
 * One whole frame. Returns its length, or a negative errno: -ENOBUFS where
 * `capacity` does not suffice, -EINVAL for anything else.
 */
int compressor_run(struct compressor *compressor, void *dst, uint64_t capacity, const void *src,
		   uint64_t bytes);

/* The most that so many bytes can become. */
uint64_t compressor_most(uint64_t bytes);

void compressor_close(struct compressor *compressor);

#endif
