// SPDX-License-Identifier: GPL-2.0
#include "bounds.h"

#include <string.h>

/* Two loops: the first has no branch and no place to remember. */
#define BOUNDS_OF(name, type)                                                                     \
	static struct bounds name(const type *values, uint32_t count)                             \
	{                                                                                         \
		struct bounds bounds = { 0, 0 };                                                  \
		type least = values[0], greatest = values[0];                                     \
                                                                                                  \
		for (uint32_t i = 1; i < count; i++) {                                            \
			least = values[i] < least ? values[i] : least;                            \
			greatest = values[i] > greatest ? values[i] : greatest;                   \
		}                                                                                 \
		while (values[bounds.least] != least)                                             \
			bounds.least++;                                                           \
		while (values[bounds.greatest] != greatest)                                       \
			bounds.greatest++;                                                        \
		return bounds;                                                                    \
	}

BOUNDS_OF(bounds_1, uint8_t)
BOUNDS_OF(bounds_2, uint16_t)
BOUNDS_OF(bounds_4, uint32_t)
BOUNDS_OF(bounds_8, uint64_t)
BOUNDS_OF(bounds_signed_8, int64_t)

static struct bounds bounds_16(const uint8_t *values, uint32_t count)
{
	struct bounds bounds = { 0, 0 };

	for (uint32_t i = 1; i < count; i++) {
		const uint8_t *value = values + (uint64_t)i * 16;

		if (memcmp(value, values + (uint64_t)bounds.least * 16, 16) < 0)
			bounds.least = i;
		else if (memcmp(value, values + (uint64_t)bounds.greatest * 16, 16) > 0)
			bounds.greatest = i;
	}
	return bounds;
}

struct bounds find_bounds(const uint8_t *values, uint32_t count, uint32_t width, bool is_signed)
{
	switch (width) {
	case 1:
		return bounds_1(values, count);
	case 2:
		return bounds_2((const uint16_t *)values, count);
	case 4:
		return bounds_4((const uint32_t *)values, count);
	case 8:
		return is_signed ? bounds_signed_8((const int64_t *)values, count)
				 : bounds_8((const uint64_t *)values, count);
	default:
		return bounds_16(values, count);
	}
}

static int compare(struct name a, struct name b)
{
	const uint32_t shorter = a.length < b.length ? a.length : b.length;
	const int order = shorter ? memcmp(a.bytes, b.bytes, shorter) : 0;

	if (order)
		return order;
	return a.length < b.length ? -1 : a.length > b.length;
}

struct bounds find_name_bounds(const struct name *names, uint32_t count)
{
	struct bounds bounds = { 0, 0 };

	for (uint32_t i = 1; i < count; i++) {
		if (compare(names[i], names[bounds.least]) < 0)
			bounds.least = i;
		else if (compare(names[i], names[bounds.greatest]) > 0)
			bounds.greatest = i;
	}
	return bounds;
}
