/* SPDX-License-Identifier: GPL-2.0 */
/* The NAT decision: which packets the chains saw, and what was stored. */
#ifndef CONNTRAIL_NAT_H
#define CONNTRAIL_NAT_H

/* The flow that the chains are about to be asked about; one that is of no interest has none. */
static __always_inline struct flow *flow_asking(struct sk_buff *skb)
{
	struct flow *flow = is_recording() ? flow_deciding(entry_of(FIELD(skb, _nfct))) : NULL;

	return flow && flow->wanted != WANTED_NO ? flow : NULL;
}

/* A chain of type nat is about to be evaluated for this packet. */
static __always_inline void note_chain(struct sk_buff *skb)
{
	struct packet *packet = accounts ? NULL : packet_of(skb); /* of flows alone no packet is kept */

	if (packet && packet->record.traversal.visits)
		packet->record.traversal.seen |= 1 << (SEEN_CHAINS + packet->record.hook);
}

/* nft_nat_do_chain(): `chain` is the base chain. */
static __always_inline int on_nft_chain(const void *chain, struct sk_buff *skb,
					struct nf_hook_state *state)
{
	struct flow *flow = flow_asking(skb);

	note_chain(skb);
	if (!flow)
		return 0;
	flow->asking = rule_word(RULE_NFT, FIELD(state, hook), 0);
	flow->table = (__u64)chain; /* looked into if a rule decides */
	return 0;
}

/* The legacy backend's table named nat is about to be walked. */
static __always_inline int on_nat_table(const void *table, struct sk_buff *skb,
					struct nf_hook_state *state)
{
	struct flow *flow = flow_asking(skb);

	note_chain(skb);
	if (!flow)
		return 0;
	flow->asking = rule_word(RULE_LEGACY, FIELD(state, hook), 0);
	flow->table = (__u64)table;
	return 0;
}

/* Up to 5.14 a namespace knows its tables, and the hook is not given them. */
static __always_inline const void *legacy_nat_table(struct nf_hook_state *state, bool is_ipv6)
{
	struct net *net = BPF_CORE_READ(state, net);

	if (is_ipv6 && bpf_core_field_exists(net->ipv6.ip6table_nat))
		return BPF_CORE_READ(net, ipv6.ip6table_nat);
	if (!is_ipv6 && bpf_core_field_exists(net->ipv4.nat_table))
		return BPF_CORE_READ(net, ipv4.nat_table);
	return NULL;
}

/* The legacy backend walks a table; the one named nat is a nat chain. */
static __always_inline int on_table_walk(const void *table, struct sk_buff *skb,
					 struct nf_hook_state *state)
{
	if (is_named_nat((__u64)table))
		on_nat_table(table, skb, state);
	return 0;
}

/* Which manip the hook of the chains that are asked decides. */
static __always_inline __u32 manip_asked(const struct flow *flow)
{
	__u32 hook = flow->asking >> (RULE_NUMBER_BITS + RULE_TABLE_BITS) & 7;

	return hook == HOOK_PREROUTING || hook == HOOK_OUTPUT ? MANIP_DST : MANIP_SRC;
}

/* A nat statement of nft is about to decide: its rule is the one it stands in. */
static __always_inline int on_nat_statement(__u64 nfct, const void *statement)
{
	struct flow *flow = known_flow(entry_of(nfct));
	volatile __u64 *rule;

	if (!flow || !flow->asking)
		return 0;
	rule = &flow->rules[manip_asked(flow)];
	*rule = (__u64)statement; /* by way of memory it is a number, with which the verifier lets us reckon */
	*rule = rule_in_chain(flow, *rule);
	return 0;
}

/* With flows alone nobody saw the walk of a legacy table begin. */
static __always_inline void ask_table(struct flow *flow, const void *parameters, __u64 data)
{
	struct nf_hook_state *state = NULL;
	__u8 hook = 0;

	bpf_probe_read_kernel(&state, sizeof(state), parameters + XT_PARAMETERS_STATE);
	flow->table = table_of_target(state, data);
	if (!flow->table)
		return;
	bpf_core_read(&hook, sizeof(hook), &state->hook);
	flow->asking = rule_word(RULE_LEGACY, hook, 0);
}

/* A target of xtables is about to decide: in a legacy table, or kept by an nft rule. */
static __always_inline int on_nat_target(struct sk_buff *skb, const void *parameters)
{
	struct flow *flow = flow_asking(skb);
	__u64 data = 0;

	if (!flow)
		return 0;
	bpf_probe_read_kernel(&data, sizeof(data), parameters + XT_PARAMETERS_DATA);
	if (!flow->asking)
		ask_table(flow, parameters, data);
	if (!flow->asking)
		return 0;
	if (flow->asking >> RULE_KIND_SHIFT == RULE_LEGACY)
		flow->rules[manip_asked(flow)] = legacy_rule_word(flow->asking, flow->table, data);
	else
		flow->rules[manip_asked(flow)] = rule_in_chain(flow, data - sizeof(__u64));
	return 0;
}

/* The namespace of whoever runs: a legacy table does not know its own. */
static __always_inline struct net *own_net(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, nsproxy, net_ns);
}

/* Somebody loads rules into a namespace: what was read of them is old. */
static __always_inline int on_rules_change(struct net *net)
{
	struct counters *count = cpu_counters();
	struct record *record;

	if (!count || !is_recording())
		return 0;
	record = reserve(count, RECORD_RULES);
	if (!record)
		return 0;
	record->netns = BPF_CORE_READ(net, ns.inum);
	submit(record);
	return 0;
}

/* __nf_nat_alloc_null_binding(): no rule decided; it calls nf_nat_setup_info() itself. */
static __always_inline int on_null_binding(struct nf_conn *ct, __u32 manip)
{
	__u64 status = FIELD(ct, status);
	__u8 bit = 1 << (manip & 1);
	struct flow *flow;

	if (!is_recording())
		return 0;
	flow = known_flow(ct);
	if (!flow && !(status & IPS_CONFIRMED)) {
		if (number_flow(ct, status, bit))
			return 0;
		flow = known_flow(ct); /* another CPU was faster, or there is no room for it */
	} else if (!is_settled(flow)) {
		flow = number_or_tell(ct, flow, status);
	}
	if (flow)
		flow->nulls |= bit;
	return 0;
}

/* nf_nat_setup_info() has stored the mapping of one manip in the reply tuple; it was asked for `range`. */
static __always_inline int on_nat_setup(struct nf_conn *ct, __u64 range, __u32 manip, int ret)
{
	struct flow *flow;
	bool is_null;

	if (ret != NF_ACCEPT)
		return 0;
	flow = flow_deciding(ct);
	if (!flow)
		return 0;
	if (flow->wanted == WANTED_NO)
		flow->wanted = entry_wanted(ct); /* the rewritten tuple may be what the filter asks for */
	is_null = flow->nulls & 1 << (manip & 1);
	if (is_null)
		flow->rules[manip & 1] = 0;
	flow->asking = 0;
	if (manip == MANIP_SRC)
		flow->decided |= is_null ? FLOW_SRC_NULL : FLOW_SRC_RULE;
	else
		flow->decided |= is_null ? FLOW_DST_NULL : FLOW_DST_RULE;
	end_search(ct, range);
	return 0;
}

#endif
