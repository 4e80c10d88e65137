/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONNTRAIL_HOOK_ENTRIES_H
#define CONNTRAIL_HOOK_ENTRIES_H

/*
 * The functions registered at one hook; replaced as a whole when one is added.
 * Not moved by CO-RE, which knows no variable index: the same from 4.14 to 7.3.
 */
struct nf_hook_function {
	__u64 hook;
	__u64 priv;
};

struct nf_hook_entries {
	__u16 num_hook_entries;
	struct nf_hook_function hooks[];
};

#endif
