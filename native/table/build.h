/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONNTRAIL_TABLE_BUILD_H
#define CONNTRAIL_TABLE_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "row.h"

struct nlmsghdr;

/* What names an entry: a tuple, the original one where there is one, zone, and id if it has one. */
void build_name(struct nlmsghdr *message, const struct table_row *row);

/* All that a row has and the kernel takes. */
void build_entry(struct nlmsghdr *message, const struct table_row *row, bool is_new);

/* The original tuple of a row as attribute `type`, whose zone is not asked for. */
void build_tuple(struct nlmsghdr *message, uint16_t type, const struct table_row *row);

#endif
