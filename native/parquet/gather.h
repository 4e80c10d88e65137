/* SPDX-License-Identifier: GPL-2.0 */
/* The values of a column, batch after batch and without its nulls, in a row. */
#ifndef CONNTRAIL_GATHER_H
#define CONNTRAIL_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#include "chunk.h"

struct spans {
	const struct chunk_span *first;
	uint32_t count;
};

uint32_t spans_rows(struct spans spans);

/* Whether some row may have no value. */
bool spans_have_nulls(struct spans spans);

/* Values of `width` 1, 2, 4, 8 or 16 bytes. Returns how many there are. */
uint32_t gather(struct spans spans, uint32_t width, uint8_t *to);

struct name {
	const uint8_t *bytes;
	uint32_t length;
};

uint32_t gather_names(struct spans spans, struct name *to);

/* Are all of `count` values, at least one, the same? */
bool is_one_value(const uint8_t *values, uint32_t count, uint32_t width);

#endif
