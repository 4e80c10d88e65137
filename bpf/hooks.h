/* SPDX-License-Identifier: GPL-2.0 */
/* The functions registered at a hook: is conntrack at work there? */
#ifndef CONNTRAIL_HOOKS_H
#define CONNTRAIL_HOOKS_H

static __always_inline bool is_ip(__u8 pf)
{
	return pf == NFPROTO_IPV4 || pf == NFPROTO_IPV6;
}

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
 * Is conntrack at work here, where a way begins? Then one of its functions is
 * registered, and its last one is at the ends of all ways.
 */
static __always_inline bool begins_tracking(struct nf_hook_entries *entries, __u8 pf, __u8 hook)
{
	__u64 index = hook + (pf == NFPROTO_IPV4 ? 0 : 4), begins;
	__u32 count = FIELD(entries, num_hook_entries);

	asm volatile("" : "+r"(index)); /* else the compiler leaves out what the verifier wants */
	begins = conntrack_hooks[index & (CONNTRACK_HOOKS - 1)];

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
