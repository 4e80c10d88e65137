// SPDX-License-Identifier: GPL-2.0
#include "dictionary.h"

#include <string.h>

/* A power of two that leaves every other slot free. */
static uint32_t prepare(struct dictionary *dictionary, uint32_t count, uint32_t least)
{
	uint32_t slots = least;

	while (slots < SLOTS && slots < count * 2)
		slots *= 2;
	memset(dictionary->slots, 0, slots * sizeof(*dictionary->slots));
	dictionary->count = 0;
	return slots - 1;
}

static uint32_t hash_4(uint32_t value)
{
	return (value ^ value >> 15) * 0x2c1b3c6du >> 15;
}

static uint32_t hash_8(uint64_t value)
{
	return (uint32_t)((value ^ value >> 29) * 0x9e3779b97f4a7c15u >> 47);
}

struct pair {
	uint64_t lower, upper;
};

static uint32_t hash_16(struct pair value)
{
	return hash_8(value.lower * 0xff51afd7ed558ccdu ^ value.upper);
}

static bool same_4(uint32_t a, uint32_t b)
{
	return a == b;
}

static bool same_8(uint64_t a, uint64_t b)
{
	return a == b;
}

static bool same_16(struct pair a, struct pair b)
{
	return a.lower == b.lower && a.upper == b.upper;
}

static uint32_t hash_name(struct name name)
{
	uint32_t hash = 0x811c9dc5; /* FNV-1a */

	for (uint32_t i = 0; i < name.length; i++)
		hash = (hash ^ name.bytes[i]) * 0x01000193;
	return hash ^ hash >> 15;
}

static bool same_name(struct name a, struct name b)
{
	return a.length == b.length && (!a.length || !memcmp(a.bytes, b.bytes, a.length));
}

/*
 * A table by hash. Of a name that is the one of the row before no hash is made;
 * of a number one is made sooner than a wrong guess is made good.
 */
#define FIND_BY_HASH(name, type, hash, same, tries_last)                                          \
	static bool name(struct dictionary *dictionary, const type *values, uint32_t count,       \
			 uint32_t limit)                                                          \
	{                                                                                         \
		const uint32_t mask = prepare(dictionary, count, 1024);                           \
		uint32_t *slots = dictionary->slots, *indexes = dictionary->indexes;              \
		type *entries = (type *)dictionary->entries;                                      \
		uint32_t found = 0, index = 0;                                                    \
                                                                                                  \
		for (uint32_t i = 0; i < count; i++) {                                            \
			const type value = values[i];                                             \
			uint32_t slot;                                                            \
                                                                                                  \
			if (tries_last && i && same(value, entries[index])) {                     \
				indexes[i] = index;                                               \
				continue;                                                         \
			}                                                                         \
			slot = hash(value) & mask;                                                \
			while (slots[slot] && !same(value, entries[slots[slot] - 1]))             \
				slot = (slot + 1) & mask;                                         \
			if (!slots[slot]) {                                                       \
				if (found == limit)                                               \
					return false;                                             \
				entries[found] = value;                                           \
				slots[slot] = ++found;                                            \
			}                                                                         \
			index = slots[slot] - 1;                                                  \
			indexes[i] = index;                                                       \
		}                                                                                 \
		dictionary->count = found;                                                        \
		return true;                                                                      \
	}

FIND_BY_HASH(find_4, uint32_t, hash_4, same_4, false)
FIND_BY_HASH(find_8, uint64_t, hash_8, same_8, false)
FIND_BY_HASH(find_16, struct pair, hash_16, same_16, false)
FIND_BY_HASH(find_by_name, struct name, hash_name, same_name, true)

/* Of small numbers each has a slot of its own. */
#define FIND_BY_VALUE(name, type, possible)                                                       \
	static bool name(struct dictionary *dictionary, const type *values, uint32_t count,       \
			 uint32_t limit)                                                          \
	{                                                                                         \
		uint32_t *slots = dictionary->slots, found = 0;                                   \
		type *entries = (type *)dictionary->entries;                                      \
                                                                                                  \
		memset(slots, 0, (possible) * sizeof(*slots));                                    \
		for (uint32_t i = 0; i < count; i++) {                                            \
			const type value = values[i];                                             \
                                                                                                  \
			if (!slots[value]) {                                                      \
				if (found == limit)                                               \
					return false;                                             \
				entries[found] = value;                                           \
				slots[value] = ++found;                                           \
			}                                                                         \
			dictionary->indexes[i] = slots[value] - 1;                                \
		}                                                                                 \
		dictionary->count = found;                                                        \
		return true;                                                                      \
	}

FIND_BY_VALUE(find_1, uint8_t, 256)
FIND_BY_VALUE(find_2, uint16_t, 65536)

void set_one_entry(struct dictionary *dictionary, const uint8_t *values, uint32_t width)
{
	memcpy(dictionary->entries, values, width);
	dictionary->count = 1;
}

bool find_entries(struct dictionary *dictionary, const uint8_t *values, uint32_t count,
		  uint32_t width, uint32_t limit)
{
	switch (width) {
	case 1:
		return find_1(dictionary, values, count, limit);
	case 2:
		return find_2(dictionary, (const uint16_t *)values, count, limit);
	case 4:
		return find_4(dictionary, (const uint32_t *)values, count, limit);
	case 8:
		return find_8(dictionary, (const uint64_t *)values, count, limit);
	default:
		return find_16(dictionary, (const struct pair *)values, count, limit);
	}
}

bool find_names(struct dictionary *dictionary, const struct name *names, uint32_t count,
		uint32_t limit)
{
	return find_by_name(dictionary, names, count, limit);
}
