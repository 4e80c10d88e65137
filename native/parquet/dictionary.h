/* SPDX-License-Identifier: GPL-2.0 */
/* The distinct values of a column in order of first appearance, and for each value its entry's index. */
#ifndef CONNTRAIL_DICTIONARY_H
#define CONNTRAIL_DICTIONARY_H

#include "gather.h"

#define MOST_ENTRIES 65536u /* indexes of 16 bits are the widest that are packed */
#define SLOTS (2 * MOST_ENTRIES)

struct dictionary {
	uint32_t *slots;   /* SLOTS: entry + 1 by hash; 0 is free */
	uint32_t *indexes; /* one for each value, and room for 7 more */
	uint8_t *entries;  /* values; of names `struct name` */
	uint32_t count;
};

/* Where all values are the first one. No indexes are made. */
void set_one_entry(struct dictionary *dictionary, const uint8_t *values, uint32_t width);

/*
 * Values of `width` 1, 2, 4, 8 or 16 bytes. False where there are more than
 * `limit` different ones.
 */
bool find_entries(struct dictionary *dictionary, const uint8_t *values, uint32_t count,
		  uint32_t width, uint32_t limit);

bool find_names(struct dictionary *dictionary, const struct name *names, uint32_t count,
		uint32_t limit);

#endif
