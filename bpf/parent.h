/* SPDX-License-Identifier: GPL-2.0 */
/* An entry that another one's helper had expected: which one, told once. */
#ifndef CONNTRAIL_PARENT_H
#define CONNTRAIL_PARENT_H

/* The flow of nf_conn.master, numbered and told if no packet of it was seen so far. */
static __always_inline struct flow *parent_of(struct nf_conn *ct)
{
	struct nf_conn *master = BPF_CORE_READ(ct, master);
	struct flow *flow = known_flow(master);

	if (flow || !master)
		return flow;
	return number_flow(master, (__u64)master, BPF_CORE_READ(master, status));
}

static __always_inline bool send_parent(struct nf_conn *ct, const struct flow *flow, __u64 parent)
{
	struct counters *count = cpu_counters();
	struct record *record = count ? reserve(count, RECORD_FLOW) : NULL;

	if (!record)
		return false;
	record->flow = flow->number;
	record->netns = entry_netns(ct);
	record->flags = FLOW_PARENT;
	record->parent = parent;
	submit(record);
	return true;
}

/* False: it could not be sent, and is to be tried again. One that the filter leaves out is none. */
static __noinline int tell_parent(struct nf_conn *ct, struct flow *flow)
{
	struct flow *parent = parent_of(ct);

	if (!flow || !parent || !flow_wanted(parent))
		return true;
	if (!parent->announced)
		tell_tuples(BPF_CORE_READ(ct, master), parent, 0, 0);
	return send_parent(ct, flow, parent->number);
}

#endif
