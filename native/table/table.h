/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The conntrack table over ctnetlink, thousands of entries a call. A table is
 * one netlink socket with the messages of the last call, whatever the size of
 * the kernel's table. One thread at a time may be inside of it; table_wake()
 * alone may come from another.
 *
 * Functions return a negative errno where they fail.
 */
#ifndef CONNTRAIL_TABLE_H
#define CONNTRAIL_TABLE_H

#include <stdint.h>

#include "expect.h"
#include "lines.h"
#include "row.h"

#pragma GCC visibility push(default)

struct table;

/* The tables of conntrack(8). */
enum table_kind { TABLE_ENTRIES, TABLE_EXPECTATIONS, TABLE_DYING, TABLE_UNCONFIRMED };

enum table_change_kind { TABLE_INSERT, TABLE_UPDATE, TABLE_DELETE };

/* src/libbpf/conntrack-socket.ts writes and reads it by offset. */
struct table_call {
	uint64_t table;	 /* struct table *; table_open() sets it */
	uint64_t netns;	 /* open: address of a path that ends with NUL; 0: the caller's namespace */
	uint64_t rows;	 /* address of `capacity` rows */
	uint64_t text;	 /* address of `room` bytes */
	uint64_t chosen; /* address of `count` 32-bit numbers: rows to write, or errors to set */
	uint32_t capacity;
	uint32_t room;
	uint32_t count;	     /* rows that were read; rows to write or to change */
	uint32_t form;	     /* enum line_form; enum table_change_kind; family 0, 4, 6 to list */
	uint32_t timeout_ms; /* of a wait */
	uint32_t groups;     /* open: bits of enum nfnetlink_groups; 0: no news */
	uint32_t receive_bytes; /* open: of the socket's buffer; out: what the kernel gave */
	uint32_t bytes;	     /* of text that were written */
	uint32_t is_done;    /* the listing is at its end */
	uint32_t overruns;   /* times that the kernel threw news away during this call */
	uint32_t is_woken;
	uint32_t passed_over; /* messages that are about nothing of it, or torn */
	uint32_t kind;	      /* enum table_kind: whose rows; expectations are struct expect_row */
	uint32_t unused;
};

int table_open(struct table_call *call);
void table_close(struct table_call *call);

/* Asks for all of a table; table_next() gives them. */
int table_list(struct table_call *call);
/* The next rows of a listing, 4096 at most; `is_done` with the last. */
int table_next(struct table_call *call);

/* Waits for news and takes what is there; no rows after `timeout_ms`, or woken. */
int table_wait(struct table_call *call);
int table_wake(struct table_call *call);

/*
 * Lines of the `count` rows that `chosen` names, of the last call that read
 * rows, or of any rows where `chosen` is 0. Returns how many fitted into `room`.
 */
int table_lines(struct table_call *call);

/* One row with a tuple in, the entry's row out. -ENOENT: there is none. */
int table_get(struct table_call *call);

/* Changes `count` rows; `chosen` gets an errno for each, 0 where it was done. */
int table_change(struct table_call *call);

/* Deletes all entries of the family in `form`, 0 for all; expectations always all. */
int table_flush(struct table_call *call);
/* Entries in the table, as the kernel counts them. */
int table_count(struct table_call *call);

/* For tests: takes messages as if the kernel had sent them. */
int table_feed(struct table_call *call, const void *messages, uint32_t bytes);

#pragma GCC visibility pop

#endif
