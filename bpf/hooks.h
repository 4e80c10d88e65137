/* SPDX-License-Identifier: GPL-2.0 */
/* The functions registered at a hook: is conntrack at work there? */
#ifndef CONNTRAIL_HOOKS_H
#define CONNTRAIL_HOOKS_H

/* conntrack begins early at its hooks: after defragmentation and raw chains. It confirms last. */
#define MAX_FIRST_FUNCTIONS 8
#define MAX_LAST_FUNCTIONS 16

#ifdef CONNTRAIL_FENTRY
#define UNROLLED _Pragma("unroll") /* the verifier knows no index into a typed array but a constant */
#define HOOK_FUNCTION(entries, index) ((entries)->hooks[index].hook)
#else
#define UNROLLED
#define HOOK_FUNCTION(entries, index)                                                              \
	({                                                                                         \
		__u64 function_ = 0;                                                               \
		bpf_probe_read_kernel(&function_, sizeof(function_),                               \
				      &(entries)->hooks[index].hook);                              \
		function_;                                                                         \
	})
#endif

static __always_inline bool has_confirm(struct nf_hook_entries *entries)
{
	__u32 count = FIELD(entries, num_hook_entries);
	__u64 function = 0;

	UNROLLED
	for (int i = 0; i < MAX_LAST_FUNCTIONS; i++)
		if (i == count - 1)
			function = HOOK_FUNCTION(entries, i);
	return function && (function == confirm_hooks[0] || function == confirm_hooks[1]);
}

/* Are functions of conntrack's registered here? Forward has none: what is there has passed prerouting. */
static __always_inline bool has_conntrack(struct nf_hook_entries *entries, __u8 hook)
{
	__u32 count = FIELD(entries, num_hook_entries);

	if (ends_way(hook))
		return has_confirm(entries);
	if (!begins_way(hook))
		return false;
	UNROLLED
	for (int i = 0; i < MAX_FIRST_FUNCTIONS; i++) {
		__u64 function;

		if (i >= count)
			return false;
		function = HOOK_FUNCTION(entries, i);
		if (function == conntrack_hooks[0] || function == conntrack_hooks[1] ||
		    function == conntrack_hooks[2] || function == conntrack_hooks[3])
			return true;
	}
	return false;
}

#endif
