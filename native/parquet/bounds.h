/* SPDX-License-Identifier: GPL-2.0 */
/* Least and greatest of a column's values, for its statistics. */
#ifndef CONNTRAIL_BOUNDS_H
#define CONNTRAIL_BOUNDS_H

#include "gather.h"

struct bounds {
	uint32_t least, greatest; /* their places among the values */
};

/* Values of `width` 1, 2, 4 or 8 bytes as numbers, of 16 byte by byte; at least one. */
struct bounds find_bounds(const uint8_t *values, uint32_t count, uint32_t width, bool is_signed);

/* Byte by byte, the shorter first. */
struct bounds find_name_bounds(const struct name *names, uint32_t count);

#endif
