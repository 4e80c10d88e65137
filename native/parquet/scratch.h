/* SPDX-License-Identifier: GPL-2.0 */
/* What one thread needs to encode columns: memory that is kept for the next one, and tables of zstd. */
#ifndef CONNTRAIL_SCRATCH_H
#define CONNTRAIL_SCRATCH_H

#include "chunk.h"
#include "sink.h"

struct scratch;

/* NULL: no memory. */
struct scratch *scratch_open(int level);

/*
 * Encodes a column, whose pages and bounds are then in `pages`, in memory of
 * the scratch: lent until its next column. Errors are those of chunks_encode(),
 * without -ENOBUFS.
 */
int chunk_encode(struct scratch *scratch, struct chunk_call *call, struct sink *pages);

void scratch_close(struct scratch *scratch);

#endif
