/* SPDX-License-Identifier: GPL-2.0 */
/* The NAT decision: which packets the chains saw, and what was stored. */
#ifndef CONNTRAIL_NAT_H
#define CONNTRAIL_NAT_H

#define MANIP_SRC 0 /* enum nf_nat_manip_type */
#define MANIP_DST 1

/* A chain of type nat is about to be evaluated for this packet. */
static __always_inline int on_nat_chain(struct nf_hook_state *state)
{
	__u64 key = (__u64)state;
	struct visit *visit = bpf_map_lookup_elem(&visits, &key);

	if (visit)
		visit->flags |= VISIT_CHAINS_RAN;
	return 0;
}

/* Offset of xt_table.name, the same from 5.10 to 7.3; the type is in module BTF only. */
#define XT_TABLE_NAME 56

/* The legacy backend walks a table; the one named nat is a nat chain. */
static __always_inline int on_table_walk(const char *table, struct nf_hook_state *state)
{
	char name[4] = {};

	bpf_probe_read_kernel(name, sizeof(name), table + XT_TABLE_NAME);
	if (name[0] == 'n' && name[1] == 'a' && name[2] == 't' && !name[3])
		on_nat_chain(state);
	return 0;
}

/* __nf_nat_alloc_null_binding(): no rule decided; it calls nf_nat_setup_info() itself. */
static __always_inline int on_null_binding(struct nf_conn *ct, __u32 manip)
{
	struct counters *count = cpu_counters();
	struct flow *flow;

	if (!count || current_phase() == PHASE_OFF)
		return 0;
	flow = visited_flow(count, ct);
	if (flow)
		flow->nulls |= 1 << (manip & 1);
	return 0;
}

/* nf_nat_setup_info() has stored the mapping of one manip in the reply tuple. */
static __always_inline int on_nat_setup(struct nf_conn *ct, __u32 manip, __u32 range_flags, int ret)
{
	struct counters *count = cpu_counters();
	struct record *record;
	struct flow *flow;

	if (!count)
		return 0;
	flow = visited_flow(count, ct);
	if (!flow)
		return 0;
	if (!(flow->matched & MATCH_TUPLE) && entry_matches(ct)) {
		flow->matched |= MATCH_TUPLE; /* the rewritten tuple is what the filter asks for */
		if (flow_wanted(flow))
			tell_flow(ct, flow);
	}
	if (!flow_wanted(flow))
		return 0;
	record = reserve_entry(count, RECORD_MAPPING, ct, flow->number, 1);
	if (!record)
		return 0;
	record->flags = (manip == MANIP_SRC ? MAPPING_SRC : 0) |
			(flow->nulls & 1 << (manip & 1) ? MAPPING_NULL : 0);
	record->mapping.range_flags = range_flags;
	record->mapping.verdict = ret;
	submit(record);
	return 0;
}

#endif
