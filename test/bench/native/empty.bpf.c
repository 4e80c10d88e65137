/*
 * Programs that do nothing: what attaching costs before a tracer does anything.
 * The kprobe programs go to any function; an fentry or fexit program belongs to one.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define EMPTY(name, section)        \
	SEC(section)                \
	int name(void *context)     \
	{                           \
		(void)context;      \
		return 0;           \
	}

#define ENTRY(function) EMPTY(enter_##function, "fentry/" #function)
#define BOTH(function) ENTRY(function) EMPTY(leave_##function, "fexit/" #function)

EMPTY(on_entry, "kprobe")
EMPTY(on_return, "kretprobe")
EMPTY(on_drop, "raw_tp/kfree_skb")

#define LEAVE(function) EMPTY(leave_##function, "fexit/" #function)

BOTH(nf_hook_slow)
BOTH(__nf_conntrack_confirm)
LEAVE(ipv4_confirm)
LEAVE(nf_confirm)
LEAVE(nf_nat_setup_info)
ENTRY(__nf_nat_alloc_null_binding)
ENTRY(nf_conntrack_free)
ENTRY(nf_ct_delete)
ENTRY(nft_nat_do_chain)
ENTRY(nft_masq_eval)
ENTRY(nft_masq_ipv4_eval)

char LICENSE[] SEC("license") = "GPL";
