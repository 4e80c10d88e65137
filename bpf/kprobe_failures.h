/* SPDX-License-Identifier: GPL-2.0 */
/* The probes of kprobe.bpf.c where something fails. */
#ifndef CONNTRAIL_KPROBE_FAILURES_H
#define CONNTRAIL_KPROBE_FAILURES_H

/* Every packet meets this one: only where refusals are asked for. */
SEC("kprobe/nf_conntrack_in")
int BPF_KPROBE(conntrack_enter, struct sk_buff *skb, struct nf_hook_state *state)
{
	remember_call(ENTRY_KEY(ctx), (__u64)skb, (__u64)state);
	return 0;
}

SEC("kretprobe/nf_conntrack_in")
int BPF_KRETPROBE(conntrack_leave, unsigned int ret)
{
	struct call *call = recall(RETURN_KEY(ctx));

	return call ? on_conntrack_leave((struct sk_buff *)call->args[0],
					 (struct nf_hook_state *)call->args[1], ret)
		    : 0;
}

SEC("kprobe/__nf_conntrack_alloc")
int BPF_KPROBE(entry_alloc, struct net *net, __u64 zone, __u64 tuple)
{
	return on_alloc(zone, tuple, SIXTH_ARGUMENT(ctx));
}

SEC("kprobe/early_drop")
int BPF_KPROBE(early_drop_enter, struct net *net, __u32 hash)
{
	remember_call(ENTRY_KEY(ctx), hash, 0);
	return on_early_drop(net, hash, PT_REGS_SP(ctx));
}

SEC("kretprobe/early_drop")
int BPF_KRETPROBE(early_drop_leave, bool evicted)
{
	struct call *call = recall(RETURN_KEY(ctx));

	return call ? on_early_drop_leave(call->args[0], evicted) : 0;
}

SEC("kprobe/nf_ct_resolve_clash")
int BPF_KPROBE(clash_enter, struct sk_buff *skb, struct nf_conntrack_tuple_hash *hash)
{
	remember_call(ENTRY_KEY(ctx), (__u64)skb, 0);
	return on_clash(skb, hash);
}

SEC("kretprobe/nf_ct_resolve_clash")
int BPF_KRETPROBE(clash_leave, unsigned int ret)
{
	struct call *call = recall(RETURN_KEY(ctx));

	return call ? on_clash_leave((struct sk_buff *)call->args[0], ret) : 0;
}

SEC("kprobe/nf_conntrack_tuple_taken")
int BPF_KPROBE(taken_enter, const void *tuple, __u64 ct)
{
	remember_call(ENTRY_KEY(ctx), ct, 0);
	return 0;
}

SEC("kretprobe/nf_conntrack_tuple_taken")
int BPF_KRETPROBE(taken_leave, __u32 taken)
{
	struct call *call = recall(RETURN_KEY(ctx));

	return call ? on_tuple_taken(call->args[0], taken) : 0;
}

SEC("kprobe/nf_ct_expect_related_report")
int BPF_KPROBE(expect_enter, __u64 expected)
{
	remember_call(ENTRY_KEY(ctx), expected, 0);
	return 0;
}

SEC("kretprobe/nf_ct_expect_related_report")
int BPF_KRETPROBE(expect_leave, int ret)
{
	struct call *call = recall(RETURN_KEY(ctx));

	return call ? on_expect((struct nf_conntrack_expect *)call->args[0], ret) : 0;
}

SEC("kprobe/nf_ct_seq_adjust")
int BPF_KPROBE(sequence_enter, struct sk_buff *skb, struct nf_conn *ct)
{
	remember_call(ENTRY_KEY(ctx), (__u64)skb, (__u64)ct);
	return 0;
}

SEC("kretprobe/nf_ct_seq_adjust")
int BPF_KRETPROBE(sequence_leave, __u32 ret)
{
	struct call *call = recall(RETURN_KEY(ctx));

	return call ? on_sequence((struct sk_buff *)call->args[0], (struct nf_conn *)call->args[1],
				  ret)
		    : 0;
}

#endif
