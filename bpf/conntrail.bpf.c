// SPDX-License-Identifier: GPL-2.0
/*
 * The probes. A stub reads the arguments of one kernel function and calls the
 * handler of the same concern; a handler does not know how it was attached, so
 * that fentry and fexit stubs can stand beside these.
 *
 *   packet.h  sk_buff -> tuple        visit.h      nf_hook_slow
 *   filter.h  what is wanted          pcap.h       a pcap expression
 *   flow.h    nf_conn -> number       conntrack.h  nf_conntrack_in, confirm, end
 *   emit.h    handler -> ring         nat.h        nat chains, the decision
 *   call.h    entry <-> return        drop.h       kfree_skb
 */
#include <stdbool.h>
#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "kernel.h"
#include "record.h"
#include "maps.h"
#include "emit.h"
#include "packet.h"
#include "filter.h"
#include "pcap.h"
#include "flow.h"
#include "call.h"
#include "visit.h"
#include "conntrack.h"
#include "nat.h"
#include "drop.h"

char LICENSE[] SEC("license") = "GPL";

SEC("kprobe/nf_hook_slow")
int BPF_KPROBE(hook_enter, struct sk_buff *skb, struct nf_hook_state *state)
{
	struct call call = {};
	__u8 pf = state_pf(state);

	if (pf == NFPROTO_IPV4 || pf == NFPROTO_IPV6) {
		if (current_phase() == PHASE_OFF || current_phase() == PHASE_STOPPING)
			return 0;
		if (on_hook_enter(skb, state))
			call.args[0] = (__u64)state;
	}
	remember_call(ctx, &call); /* ARP and bridges too: their return must find its call */
	return 0;
}

SEC("kretprobe/nf_hook_slow")
int BPF_KRETPROBE(hook_leave, int ret)
{
	struct call call;

	if (!recall(ctx, &call) || !call.args[0])
		return 0;
	return on_hook_leave((struct nf_hook_state *)call.args[0], ret);
}

SEC("kprobe/nf_conntrack_in")
int BPF_KPROBE(conntrack_in_enter, struct sk_buff *skb, struct nf_hook_state *state)
{
	struct call call = { .args = { (__u64)skb, (__u64)state } };

	remember_call(ctx, &call);
	return 0;
}

SEC("kretprobe/nf_conntrack_in")
int BPF_KRETPROBE(conntrack_in_leave, int ret)
{
	struct call call;

	if (!recall(ctx, &call))
		return 0;
	return on_conntrack_in((struct sk_buff *)call.args[0], (struct nf_hook_state *)call.args[1],
			       ret);
}

SEC("kprobe/__nf_conntrack_confirm")
int BPF_KPROBE(confirm_enter, struct sk_buff *skb)
{
	struct flow *flow = known_flow(entry_of(BPF_CORE_READ(skb, _nfct)));
	struct call call = { .args = { (__u64)skb, flow ? flow->number : 0 } };

	remember_call(ctx, &call);
	return 0;
}

SEC("kretprobe/__nf_conntrack_confirm")
int BPF_KRETPROBE(confirm_leave, int ret)
{
	struct call call;

	if (!recall(ctx, &call))
		return 0;
	return on_confirm((struct sk_buff *)call.args[0], call.args[1], ret);
}

/* Runs once per flow and manip: this is the NAT decision. */
SEC("kprobe/nf_nat_setup_info")
int BPF_KPROBE(nat_setup_enter, struct nf_conn *ct, const struct nat_range_head *range, __u32 manip)
{
	struct call call = { .args = { (__u64)ct, manip } };

	if (BPF_CORE_READ(ct, status) & IPS_CONFIRMED)
		call.args[0] = 0; /* it returns at once and decides nothing */
	bpf_probe_read_kernel(&call.args[2], sizeof(range->flags), range);
	remember_call(ctx, &call);
	return 0;
}

SEC("kretprobe/nf_nat_setup_info")
int BPF_KRETPROBE(nat_setup_leave, int ret)
{
	struct call call;

	if (!recall(ctx, &call) || !call.args[0])
		return 0;
	return on_nat_setup((struct nf_conn *)call.args[0], call.args[1], call.args[2], ret);
}

SEC("kprobe/__nf_nat_alloc_null_binding")
int BPF_KPROBE(null_binding, struct nf_conn *ct, __u32 manip)
{
	return on_null_binding(ct, manip);
}

SEC("kprobe/nft_nat_do_chain")
int BPF_KPROBE(nft_chain, void *priv, struct sk_buff *skb, struct nf_hook_state *state)
{
	return on_nat_chain(state);
}

/* The legacy backend of 5.10. */
SEC("kprobe/iptable_nat_do_chain")
int BPF_KPROBE(ipt_chain, void *priv, struct sk_buff *skb, struct nf_hook_state *state)
{
	return on_nat_chain(state);
}

SEC("kprobe/ip6table_nat_do_chain")
int BPF_KPROBE(ip6t_chain, void *priv, struct sk_buff *skb, struct nf_hook_state *state)
{
	return on_nat_chain(state);
}

/* The legacy backend since 5.16: the hook is the table walk itself, priv its table. */
SEC("kprobe/ipt_do_table")
int BPF_KPROBE(ipt_table, const char *table, struct sk_buff *skb, struct nf_hook_state *state)
{
	return on_table_walk(table, state);
}

SEC("kprobe/ip6t_do_table")
int BPF_KPROBE(ip6t_table, const char *table, struct sk_buff *skb, struct nf_hook_state *state)
{
	return on_table_walk(table, state);
}

SEC("kprobe/nf_ct_delete")
int BPF_KPROBE(entry_delete, struct nf_conn *ct)
{
	return on_delete(ct, caller_of(ctx), true);
}

/* 5.10: all callers inside nf_conntrack jump here, with the dying bit already set. */
SEC("kprobe/nf_ct_delete.part.0")
int BPF_KPROBE(entry_delete_part, struct nf_conn *ct)
{
	return on_delete(ct, caller_of(ctx), false);
}

SEC("kprobe/nf_conntrack_free")
int BPF_KPROBE(entry_free, struct nf_conn *ct)
{
	return on_free(ct, caller_of(ctx));
}

SEC("tp/skb/kfree_skb")
int packet_drop(struct trace_event_raw_kfree_skb *ctx)
{
	__u32 reason = 0;

	if (bpf_core_field_exists(ctx->reason)) {
		reason = ctx->reason;
		if (reason == SKB_NOT_DROPPED_YET)
			return 0;
	}
	return on_drop(ctx->skbaddr, (__u64)ctx->location, ctx->protocol, reason);
}
