/* SPDX-License-Identifier: GPL-2.0 */
/* The NAT decision: which packets the chains saw, and what was stored. */
#ifndef CONNTRAIL_NAT_H
#define CONNTRAIL_NAT_H

#define MANIP_SRC 0 /* enum nf_nat_manip_type */
#define MANIP_DST 1

/* A chain of type nat is about to be evaluated for this packet. */
static __always_inline int on_nat_chain(struct sk_buff *skb)
{
	struct packet *packet = packet_of(skb);

	if (packet && packet->record.traversal.visits)
		packet->record.traversal.seen |= 1 << (SEEN_CHAINS + packet->record.hook);
	return 0;
}

/* Offset of xt_table.name, the same from 5.10 to 7.3; the type is in module BTF only. */
#define XT_TABLE_NAME 56

/* The legacy backend walks a table; the one named nat is a nat chain. */
static __always_inline int on_table_walk(const char *table, struct sk_buff *skb)
{
	char name[4] = {};

	bpf_probe_read_kernel(name, sizeof(name), table + XT_TABLE_NAME);
	if (name[0] == 'n' && name[1] == 'a' && name[2] == 't' && !name[3])
		on_nat_chain(skb);
	return 0;
}

/* __nf_nat_alloc_null_binding(): no rule decided; it calls nf_nat_setup_info() itself. */
static __always_inline int on_null_binding(struct nf_conn *ct, __u32 manip)
{
	struct flow *flow;

	if (!is_recording())
		return 0;
	flow = flow_of(ct);
	if (flow)
		flow->nulls |= 1 << (manip & 1);
	return 0;
}

/* nf_nat_setup_info() has stored the mapping of one manip in the reply tuple. */
static __always_inline int on_nat_setup(struct nf_conn *ct, __u32 manip, int ret)
{
	struct flow *flow;
	bool is_null;

	if (ret != NF_ACCEPT)
		return 0;
	flow = flow_of(ct);
	if (!flow)
		return 0;
	if (flow->wanted == WANTED_NO)
		flow->wanted = entry_wanted(ct); /* the rewritten tuple may be what the filter asks for */
	is_null = flow->nulls & 1 << (manip & 1);
	if (manip == MANIP_SRC)
		flow->decided |= is_null ? FLOW_SRC_NULL : FLOW_SRC_RULE;
	else
		flow->decided |= is_null ? FLOW_DST_NULL : FLOW_DST_RULE;
	return 0;
}

#endif
