// SPDX-License-Identifier: GPL-2.0
/* For kernels with BTF of the functions: an fexit program has the arguments and the result. */
#define CONNTRAIL_FENTRY
#include "handlers.h"
#include "queue_stubs.h"

/* An argument as a number: newer verifiers let a typed pointer be none. */
static __always_inline __u64 argument(const void *ctx, int index)
{
	return word_at((__u64)ctx + index * sizeof(__u64));
}

#include "fentry_failures.h"

SEC("fentry/nf_hook_slow")
int BPF_PROG(hook_enter, struct sk_buff *skb, struct nf_hook_state *state,
	     struct nf_hook_entries *entries)
{
	__u8 pf = FIELD(state, pf);

	return is_ip(pf) ? on_hook_enter(skb, state, entries, pf) : 0;
}

SEC("fexit/nf_hook_slow")
int BPF_PROG(hook_leave, struct sk_buff *skb, struct nf_hook_state *state, const void *entries,
	     unsigned int from, int ret)
{
	return on_hook_leave(skb, state, ret);
}

/* A hook function up to 6.1; there nf_confirm() is another one, which it calls. */
SEC("fexit/ipv4_confirm")
int BPF_PROG(last_hook_leave, void *priv, struct sk_buff *skb, const void *state, unsigned int ret)
{
	return on_last_hook(skb, ret);
}

SEC("fexit/ipv6_confirm")
int BPF_PROG(last_hook_leave6, void *priv, struct sk_buff *skb, const void *state, unsigned int ret)
{
	return on_last_hook(skb, ret);
}

SEC("fexit/nf_confirm")
int BPF_PROG(last_hook_leave46, void *priv, struct sk_buff *skb, const void *state, unsigned int ret)
{
	return on_last_hook(skb, ret);
}

SEC("fentry/__nf_conntrack_confirm")
int BPF_PROG(confirm_enter, struct sk_buff *skb)
{
	remember_call((__u64)skb, 0, number_before_confirm(skb));
	return 0;
}

SEC("fexit/__nf_conntrack_confirm")
int BPF_PROG(confirm_leave, struct sk_buff *skb, int ret)
{
	struct call *call = recall((__u64)skb);

	return call ? on_confirm(skb, call->args[1], ret) : 0;
}

/* Runs once per flow and manip: this is the NAT decision. Without one the mapping is there already. */
SEC("fexit/nf_nat_setup_info")
int BPF_PROG(nat_setup_leave, struct nf_conn *ct, const void *range, __u32 manip, unsigned int ret)
{
	return FIELD(ct, status) & IPS_CONFIRMED ? 0 : on_nat_setup(ct, (__u64)range, manip, ret);
}

SEC("fentry/__nf_nat_alloc_null_binding")
int BPF_PROG(null_binding, struct nf_conn *ct, __u32 manip)
{
	return on_null_binding(ct, manip);
}

SEC("fentry/nft_nat_do_chain")
int BPF_PROG(nft_chain, const void *chain, struct sk_buff *skb,
	       struct nf_hook_state *state)
{
	return on_nft_chain(chain, skb, state);
}

/* The legacy backend since 5.16: the hook is the table walk itself, priv its table. */
SEC("fentry/ipt_do_table")
int BPF_PROG(ipt_table, const void *table, struct sk_buff *skb, struct nf_hook_state *state)
{
	return on_table_walk(table, skb, state);
}

SEC("fentry/ip6t_do_table")
int BPF_PROG(ip6t_table, const void *table, struct sk_buff *skb, struct nf_hook_state *state)
{
	return on_table_walk(table, skb, state);
}

SEC("fentry/nf_ct_delete")
int BPF_PROG(entry_delete, struct nf_conn *ct)
{
	return on_delete(ct, true, (__u64)ctx);
}

SEC("fentry/nf_conntrack_free")
int BPF_PROG(entry_free, struct nf_conn *ct)
{
	return on_free(ct);
}

SEC("fentry/nf_tables_commit")
int BPF_PROG(nft_commit, struct net *net)
{
	return on_rules_change(net);
}

SEC("fexit/xt_find_table_lock")
int BPF_PROG(legacy_found)
{
	on_lookup((struct net *)argument(ctx, 0), argument(ctx, 1));
	return on_found(argument(ctx, 3));
}

SEC("fentry/xt_replace_table")
int BPF_PROG(legacy_replace)
{
	return on_rules_change(own_net());
}

/* Nat statements of nft: one program for each, as a program goes to one function. */
#define NAT_STATEMENT(function)                                                                   \
	SEC("fentry/" #function)                                                                  \
	int BPF_PROG(function, const void *statement, const void *registers,                      \
		     struct sk_buff **packet)                                                     \
	{                                                                                         \
		struct sk_buff *skb = *packet; /* nft_pktinfo.skb */                              \
                                                                                                  \
		return on_nat_statement(FIELD(skb, _nfct), statement);                            \
	}

NAT_STATEMENT(nft_nat_eval)
NAT_STATEMENT(nft_masq_eval)
NAT_STATEMENT(nft_masq_ipv4_eval)
NAT_STATEMENT(nft_masq_ipv6_eval)
NAT_STATEMENT(nft_redir_eval)

/* Targets of xtables, which the legacy backend and nft's rules of iptables share. */
#define NAT_TARGET(function)                                                                      \
	SEC("fentry/" #function)                                                                  \
	int BPF_PROG(function, struct sk_buff *skb, const void *parameters)                         \
	{                                                                                         \
		return on_nat_target(skb, parameters);                                            \
	}

NAT_TARGET(xt_snat_target_v0)
NAT_TARGET(xt_snat_target_v1)
NAT_TARGET(xt_snat_target_v2)
NAT_TARGET(xt_dnat_target_v0)
NAT_TARGET(xt_dnat_target_v1)
NAT_TARGET(xt_dnat_target_v2)
NAT_TARGET(masquerade_tg)
NAT_TARGET(masquerade_tg6)
NAT_TARGET(redirect_tg4)
NAT_TARGET(redirect_tg6)
NAT_TARGET(netmap_tg4)
NAT_TARGET(netmap_tg6)
