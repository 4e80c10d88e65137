/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entries as lines, byte for byte those of conntrack(8). They are written from
 * rows, at a fifth of what libnetfilter_conntrack takes; XML is the library's,
 * from the message. The library ends the process where a message makes no
 * sense: it is given none that is not the kernel's.
 */
#ifndef CONNTRAIL_TABLE_LINES_H
#define CONNTRAIL_TABLE_LINES_H

#include <stdint.h>

#include "row.h"

enum line_form {
	LINE_EXTENDED = 1u << 0, /* with the protocol of layer 3 */
	LINE_ID = 1u << 1,
	LINE_TIMES = 1u << 2, /* ktimestamp */
	LINE_LABELS = 1u << 3,
	LINE_XML = 1u << 4,
	LINE_NEWS = 1u << 5, /* with [NEW], [UPDATE] or [DESTROY] in front */
	LINE_LIBRARY = 1u << 6, /* by the library in any case: for tests */
	LINE_CLOCK = 1u << 7,	/* with the time of writing in front */
};

/* Where names of labels are; for tests. */
extern const char *line_labels_path;
/* Reads them, if nobody has: 0, or -1 where there are none. */
int line_labels(void);

/* No line is longer, its end included. */
#define LINE_BYTES 4096

struct nlmsghdr;

/*
 * Writes one line with its end to `to`, which has LINE_BYTES. `message` may be
 * NULL where the row says all. `now_s`: since 1970 UTC. Returns its bytes, or a
 * negative errno.
 */
int line_write(char *to, const struct table_row *row, const struct nlmsghdr *message,
	       uint32_t form, uint64_t now_s);

#endif
