/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table of legacy iptables as the kernel keeps it, of any network namespace.
 * What it means is the caller's to know (uapi/linux/netfilter_ipv4/ip_tables.h).
 */
#ifndef CONNTRAIL_LEGACY_TABLE_H
#define CONNTRAIL_LEGACY_TABLE_H

#include <stdint.h>

#pragma GCC visibility push(default)

#define LEGACY_INFO_BYTES 84 /* struct ipt_getinfo, struct ip6t_getinfo */

struct legacy_table_call {
	uint64_t netns;	  /* address of a path that ends with NUL; 0: the caller's namespace */
	uint64_t info;	  /* address of LEGACY_INFO_BYTES, written to */
	uint64_t entries; /* address of `capacity` bytes, written to */
	uint64_t capacity;
	uint32_t family; /* AF_INET, AF_INET6 */
	uint32_t unused;
	char table[32]; /* ends with NUL */
};

/*
 * Copies the table's entries, and what IPT_SO_GET_INFO says of them. The
 * namespace is entered by a thread that ends here: the caller's stays in its
 * own. A table that is not loaded gets loaded by being asked for. Returns the
 * bytes of the entries, or a negative errno: -ENOBUFS where `capacity` does not
 * suffice (the info says what would), -EAGAIN where the table changed each time.
 */
int legacy_table_read(const struct legacy_table_call *call);

#pragma GCC visibility pop

#endif
