/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes under construction, in memory that was reserved for the most there can be. */
#ifndef CONNTRAIL_SINK_H
#define CONNTRAIL_SINK_H

#include <stdint.h>
#include <string.h>

struct sink {
	uint8_t *bytes;
	uint64_t at;
};

static inline void put_byte(struct sink *sink, uint8_t value)
{
	sink->bytes[sink->at++] = value;
}

static inline void put_bytes(struct sink *sink, const void *from, uint64_t bytes)
{
	if (bytes)
		memcpy(sink->bytes + sink->at, from, bytes);
	sink->at += bytes;
}

static inline void put_u32(struct sink *sink, uint32_t value)
{
	put_bytes(sink, &value, sizeof(value));
}

/* ULEB128: seven bits a byte, low ones first. */
static inline void put_varint(struct sink *sink, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		put_byte(sink, (uint8_t)(value | 0x80));
	put_byte(sink, (uint8_t)value);
}

static inline void put_zigzag(struct sink *sink, int64_t value)
{
	put_varint(sink, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

#endif
