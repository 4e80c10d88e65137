// SPDX-License-Identifier: GPL-2.0
/* For kernels without BTF of the functions: a return knows no arguments, call.h keeps them. */
#include "handlers.h"
#include "kprobe_failures.h"
#include "queue_stubs.h"

SEC("kprobe/nf_hook_slow")
int BPF_KPROBE(hook_enter, struct sk_buff *skb, struct nf_hook_state *state,
	       struct nf_hook_entries *entries)
{
	__u8 pf = FIELD(state, pf);

	if (!is_ip(pf))
		return 0;
	on_hook_enter(skb, state, entries, pf);
	if (has_leaves && packet_of(skb))
		remember_call(ENTRY_KEY(ctx), (__u64)skb, (__u64)state);
	return 0;
}

SEC("kretprobe/nf_hook_slow")
int BPF_KRETPROBE(hook_leave, int ret)
{
	struct call *call = recall_if_any(RETURN_KEY(ctx));

	if (!call)
		return 0; /* ARP, a bridge, or no packet of ours */
	return on_hook_leave((struct sk_buff *)call->args[0], (struct nf_hook_state *)call->args[1],
			     ret);
}

/* A hook function up to 6.1; there nf_confirm() is another one, which it calls. */
SEC("kprobe/ipv4_confirm")
int BPF_KPROBE(last_hook_enter, void *priv, struct sk_buff *skb)
{
	if (packet_of(skb))
		remember_call(ENTRY_KEY(ctx), (__u64)skb, 0);
	return 0;
}

SEC("kretprobe/ipv4_confirm")
int BPF_KRETPROBE(last_hook_leave, int ret)
{
	struct call *call = recall_if_any(RETURN_KEY(ctx));

	return call ? on_last_hook((struct sk_buff *)call->args[0], ret) : 0;
}

SEC("kprobe/__nf_conntrack_confirm")
int BPF_KPROBE(confirm_enter, struct sk_buff *skb)
{
	remember_call(ENTRY_KEY(ctx), (__u64)skb, number_before_confirm(skb));
	return 0;
}

SEC("kretprobe/__nf_conntrack_confirm")
int BPF_KRETPROBE(confirm_leave, int ret)
{
	struct call *call = recall(RETURN_KEY(ctx));

	return call ? on_confirm((struct sk_buff *)call->args[0], call->args[1], ret) : 0;
}

/* Runs once per flow and manip: this is the NAT decision. */
SEC("kprobe/nf_nat_setup_info")
int BPF_KPROBE(nat_setup_enter, struct nf_conn *ct, __u64 range, __u32 manip)
{
	if (!(BPF_CORE_READ(ct, status) & IPS_CONFIRMED)) /* else it returns at once, decides nothing */
		remember_call(ENTRY_KEY(ctx), (__u64)ct, range | (manip & 1)); /* a range is aligned */
	return 0;
}

SEC("kretprobe/nf_nat_setup_info")
int BPF_KRETPROBE(nat_setup_leave, int ret)
{
	struct call *call = recall_if_any(RETURN_KEY(ctx));

	return call ? on_nat_setup((struct nf_conn *)call->args[0], call->args[1] & ~1ULL,
				   call->args[1] & 1, ret)
		    : 0;
}

SEC("kprobe/__nf_nat_alloc_null_binding")
int BPF_KPROBE(null_binding, struct nf_conn *ct, __u32 manip)
{
	return on_null_binding(ct, manip);
}

SEC("kprobe/nft_nat_do_chain")
int BPF_KPROBE(nft_chain, const void *chain, struct sk_buff *skb,
	       struct nf_hook_state *state)
{
	return on_nft_chain(chain, skb, state);
}

/* The legacy backend of 5.10. */
SEC("kprobe/iptable_nat_do_chain")
int BPF_KPROBE(ipt_chain, const void *priv, struct sk_buff *skb, struct nf_hook_state *state)
{
	return on_nat_table(legacy_nat_table(state, false), skb, state);
}

SEC("kprobe/ip6table_nat_do_chain")
int BPF_KPROBE(ip6t_chain, const void *priv, struct sk_buff *skb, struct nf_hook_state *state)
{
	return on_nat_table(legacy_nat_table(state, true), skb, state);
}

/* The legacy backend since 5.16: the hook is the table walk itself, priv its table. */
SEC("kprobe/ipt_do_table")
int BPF_KPROBE(ipt_table, const void *table, struct sk_buff *skb, struct nf_hook_state *state)
{
	return on_table_walk(table, skb, state);
}

SEC("kprobe/ip6t_do_table")
int BPF_KPROBE(ip6t_table, const void *table, struct sk_buff *skb, struct nf_hook_state *state)
{
	return on_table_walk(table, skb, state);
}

SEC("kprobe/nf_ct_delete")
int BPF_KPROBE(entry_delete, struct nf_conn *ct)
{
	return on_delete(ct, true, PT_REGS_SP(ctx));
}

/* 5.10: all callers inside nf_conntrack jump here, with the dying bit already set. */
SEC("kprobe/nf_ct_delete.part.0")
int BPF_KPROBE(entry_delete_part, struct nf_conn *ct)
{
	return on_delete(ct, false, PT_REGS_SP(ctx));
}

SEC("kprobe/nf_conntrack_free")
int BPF_KPROBE(entry_free, struct nf_conn *ct)
{
	return on_free(ct);
}

SEC("kprobe/nf_tables_commit")
int BPF_KPROBE(nft_commit, struct net *net)
{
	return on_rules_change(net);
}

SEC("kprobe/xt_find_table_lock")
int BPF_KPROBE(legacy_lookup, struct net *net, __u64 pf)
{
	return on_lookup(net, pf);
}

SEC("kretprobe/xt_find_table_lock")
int BPF_KRETPROBE(legacy_found, __u64 table)
{
	return on_found(table);
}

SEC("kprobe/xt_replace_table")
int BPF_KPROBE(legacy_replace)
{
	return on_rules_change(own_net());
}

/* Nat statements of nft: one program for each, as a program goes to one function. */
#define NAT_STATEMENT(function)                                                                   \
	SEC("kprobe/" #function)                                                                  \
	int BPF_KPROBE(function, const void *statement, const void *registers, __u64 packet)      \
	{                                                                                         \
		struct sk_buff *skb = (void *)word_at(packet); /* nft_pktinfo.skb */              \
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
	SEC("kprobe/" #function)                                                                  \
	int BPF_KPROBE(function, struct sk_buff *skb, const void *parameters)                         \
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
