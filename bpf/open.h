/* SPDX-License-Identifier: GPL-2.0 */
/* Entries that are still in the table when a trace ends: what conntrack counted of them. */
#ifndef CONNTRAIL_OPEN_H
#define CONNTRAIL_OPEN_H

/* So many in one run, three records each: the smallest ring holds them. */
#define MOST_TOLD 256

/* In memory of which the verifier knows nothing: of a count that it follows it sees no end. */
__u32 told_open;

static long tell_one(void *map, const __u64 *key, struct flow *flow, void *nothing)
{
	struct nf_conn *ct = (struct nf_conn *)*key;
	struct counters *count = cpu_counters();

	if (!count || flow->is_counted || !flow->announced || !flow_wanted(flow))
		return 0;
	flow->is_counted = 1;
	tell_end(count, ct, flow, END_OPEN);
	return ++told_open >= MOST_TOLD;
}

/* Attached to nothing: user space runs it until it returns 0. Since 5.13. */
SEC("raw_tp/tell_open_flows")
int tell_open_flows(void *ctx)
{
	told_open = 0;
	bpf_for_each_map_elem(&flows, tell_one, NULL, 0);
	return told_open;
}

#endif
