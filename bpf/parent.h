/* SPDX-License-Identifier: GPL-2.0 */
/* An entry that another one's helper had expected: which one, told once. */
#ifndef CONNTRAIL_PARENT_H
#define CONNTRAIL_PARENT_H

static __always_inline bool send_parent(struct nf_conn *ct, const struct flow *flow, __u64 parent)
{
	struct counters *count = cpu_counters();
	struct record *record = count ? reserve(count, RECORD_FLOW) : NULL;

	if (!record)
		return false;
	record->flow = flow->number;
	record->netns = flow->netns ? flow->netns : entry_netns(ct);
	record->flags = FLOW_PARENT;
	record->parent = parent;
	submit(record);
	return true;
}

/* False: it could not be sent, and is to be tried again. One that the trace does not have is none. */
static __noinline int tell_parent(struct nf_conn *ct, struct flow *flow)
{
	struct flow *parent = known_flow(BPF_CORE_READ(ct, master));

	if (!flow || !parent || !flow_wanted(parent))
		return true;
	return send_parent(ct, flow, parent->number);
}

#endif
