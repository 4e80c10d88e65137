/* SPDX-License-Identifier: GPL-2.0 */
/* PLAIN: values as they are. */
#ifndef CONNTRAIL_PLAIN_H
#define CONNTRAIL_PLAIN_H

#include "gather.h"
#include "sink.h"

/* Each with its length before it. */
static inline void put_names(struct sink *sink, const struct name *names, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		put_u32(sink, names[i].length);
		put_bytes(sink, names[i].bytes, names[i].length);
	}
}

/* Values of `width` 1, 2, 4, 8 or 16 bytes. Numbers narrower than 32 bits are INT32. */
static inline void put_plain(struct sink *sink, const uint8_t *values, uint32_t count,
			     uint32_t width)
{
	if (width >= 4) {
		put_bytes(sink, values, (uint64_t)count * width);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		put_u32(sink, width == 1 ? values[i] : ((const uint16_t *)values)[i]);
}

#endif
