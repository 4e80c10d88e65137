// SPDX-License-Identifier: GPL-2.0
#include "compress.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

struct compressor {
	ZSTD_CCtx *context;
};

struct compressor *compressor_open(int level)
{
	struct compressor *compressor = malloc(sizeof(*compressor));

	if (!compressor)
		return NULL;
	compressor->context = ZSTD_createCCtx();
	if (!compressor->context) {
		free(compressor);
		return NULL;
	}
	/* Levels out of range are clamped. */
	ZSTD_CCtx_setParameter(compressor->context, ZSTD_c_compressionLevel, level);
	return compressor;
}

int compressor_run(struct compressor *compressor, void *dst, uint64_t capacity, const void *src,
		   uint64_t bytes)
{
	size_t written;

	if (bytes > INT_MAX / 2)
		return -EINVAL;
	written = ZSTD_compress2(compressor->context, dst, capacity, src, bytes);
	if (!ZSTD_isError(written))
		return (int)written;
	return ZSTD_getErrorCode(written) == ZSTD_error_dstSize_tooSmall ? -ENOBUFS : -EINVAL;
}

uint64_t compressor_most(uint64_t bytes)
{
	return ZSTD_compressBound(bytes);
}

void compressor_close(struct compressor *compressor)
{
	if (!compressor)
		return;
	ZSTD_freeCCtx(compressor->context);
	free(compressor);
}
