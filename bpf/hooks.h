/* SPDX-License-Identifier: GPL-2.0 */
/* The functions registered at a hook: is conntrack at work there? */
#ifndef CONNTRAIL_HOOKS_H
#define CONNTRAIL_HOOKS_H

/* conntrack begins early at its hooks: after defragmentation and raw chains. */
#define MAX_FIRST_FUNCTIONS 8

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

/*
 * Is conntrack at work here? Where a way begins, one of its functions is
 * registered, and then its last one is at the ends of all ways; elsewhere a
 * packet has an entry.
 */
static __always_inline bool has_conntrack(struct nf_hook_entries *entries, __u8 pf, __u8 hook,
					  struct sk_buff *skb)
{
	__u64 begins;
	__u32 count;

	if (!begins_way(hook))
		return FIELD(skb, _nfct) != 0;
	begins = conntrack_hooks[(pf == NFPROTO_IPV6) * 2 + (hook == HOOK_OUTPUT)];
	count = FIELD(entries, num_hook_entries);
	UNROLLED
	for (int i = 0; i < MAX_FIRST_FUNCTIONS; i++) {
		if (i >= count)
			return false;
		if (HOOK_FUNCTION(entries, i) == begins)
			return true;
	}
	return false;
}

#endif
