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

/* src/libbpf/compressor.ts writes it by offset. */
_Static_assert(sizeof(struct compressor_call) == 40, "layout of compressor_call");

int compressor_call(const struct compressor_call *call)
{
	return compressor_run((struct compressor *)(uintptr_t)call->compressor,
			      (void *)(uintptr_t)call->dst, call->capacity,
			      (const void *)(uintptr_t)call->src, call->bytes);
}

void compressor_close(struct compressor *compressor)
{
	if (!compressor)
		return;
	ZSTD_freeCCtx(compressor->context);
	free(compressor);
}
