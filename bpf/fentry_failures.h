/* SPDX-License-Identifier: GPL-2.0 */
/* The probes of fentry.bpf.c where something fails. */
#ifndef CONNTRAIL_FENTRY_FAILURES_H
#define CONNTRAIL_FENTRY_FAILURES_H

/* Every packet meets this one: only where refusals are asked for. */
SEC("fexit/nf_conntrack_in")
int BPF_PROG(conntrack_leave, struct sk_buff *skb, struct nf_hook_state *state, unsigned int ret)
{
	return on_conntrack_leave(skb, state, ret);
}

SEC("fentry/__nf_conntrack_alloc")
int BPF_PROG(entry_alloc, struct net *net, const void *zone, const void *tuple, const void *reply,
	     unsigned int gfp, __u32 hash)
{
	return on_alloc((__u64)zone, (__u64)tuple, hash);
}

/* The context is on the kernel's own stack, as deep as the call. */
SEC("fentry/early_drop")
int BPF_PROG(early_drop_enter, struct net *net, __u32 hash)
{
	return on_early_drop(net, hash, (__u64)ctx);
}

SEC("fexit/early_drop")
int BPF_PROG(early_drop_leave, struct net *net, __u32 hash, bool evicted)
{
	return on_early_drop_leave(hash, evicted);
}

SEC("fentry/nf_ct_resolve_clash")
int BPF_PROG(clash_enter, struct sk_buff *skb)
{
	return on_clash(skb, (struct nf_conntrack_tuple_hash *)argument(ctx, 1));
}

SEC("fexit/nf_ct_resolve_clash")
int BPF_PROG(clash_leave, struct sk_buff *skb, const void *hash, __u32 reply_hash, unsigned int ret)
{
	return on_clash_leave(skb, ret);
}

SEC("fexit/nf_conntrack_tuple_taken")
int BPF_PROG(taken_leave, const void *tuple, const void *ct, __u32 taken)
{
	return on_tuple_taken((__u64)ct, taken);
}

SEC("fexit/nf_ct_expect_related_report")
int BPF_PROG(expect_leave, const void *expected, __u32 portid, int report, unsigned int flags,
	     int ret)
{
	return on_expect((struct nf_conntrack_expect *)argument(ctx, 0), ret);
}

SEC("fexit/nf_ct_seq_adjust")
int BPF_PROG(sequence_leave, struct sk_buff *skb, struct nf_conn *ct, unsigned int ctinfo,
	     unsigned int offset, __u32 ret)
{
	return on_sequence(skb, ct, ret);
}

#endif
