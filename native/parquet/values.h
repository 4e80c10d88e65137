/* SPDX-License-Identifier: GPL-2.0 */
/* The values of a chunk, in whichever form is small. */
#ifndef CONNTRAIL_VALUES_H
#define CONNTRAIL_VALUES_H

#include "chunk.h"
#include "dictionary.h"
#include "sink.h"

/* A chunk under way. */
struct chunk {
	struct chunk_call *call;
	void *values; /* memory for all of them: 16 bytes each, of names struct name */
	struct spans spans;
	uint32_t rows;
	struct dictionary dictionary;
	struct sink body, page; /* of the data, of the dictionary */
	struct name least, greatest;
	uint32_t numbers[2]; /* bounds that are stored wider than they come */
};

/*
 * Puts the values behind the levels into the body, the entries of a dictionary
 * into its page, and says so in the call. Returns 0 or -ERANGE: a code has no
 * word.
 */
int put_values(struct chunk *chunk);

#endif
