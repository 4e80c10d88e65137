/* SPDX-License-Identifier: GPL-2.0 */
/* Validity and booleans, batch after batch: bits, least significant first, that stay bits. */
#ifndef CONNTRAIL_BITS_H
#define CONNTRAIL_BITS_H

#include "gather.h"

static inline const uint8_t *memory(uint64_t address)
{
	return (const uint8_t *)(uintptr_t)address;
}

static inline bool bit_at(const uint8_t *bits, uint32_t at)
{
	return bits[at / 8] >> at % 8 & 1;
}

/*
 * Values of booleans without their nulls. Returns how many there are. This and
 * the next one set the bytes in which bits lie, and one more.
 */
uint32_t gather_bits(struct spans spans, uint8_t *to);

/* A bit for each row. */
void gather_validity(struct spans spans, uint8_t *to);

uint32_t count_set(const uint8_t *bits, uint32_t count);

#endif
