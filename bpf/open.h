/* SPDX-License-Identifier: GPL-2.0 */
/* Entries that are still in the table when a trace ends: what conntrack counted of them. */
#ifndef CONNTRAIL_OPEN_H
#define CONNTRAIL_OPEN_H

/* In memory of which the verifier knows nothing: of a count that it follows it sees no end. */
__u32 told_open;

#define TOLD_AT_ONCE 3 /* records, at most */

/*
 * One more is told: is this run over? The next one begins with a look at all
 * that were told before, so each tells as many as it can: until half of this
 * CPU's ring waits, in which probes write as well.
 */
static __always_inline bool was_last_told(void)
{
	__u32 cpu = bpf_get_smp_processor_id();
	void *ring = bpf_map_lookup_elem(&rings, &cpu);

	told_open++;
	return !ring || bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) + TOLD_AT_ONCE * RING_STEP >
				bpf_ringbuf_query(ring, BPF_RB_RING_SIZE) / 2;
}

/* When the first run began: flows go on to begin, and those are not asked for. */
__u64 telling_since;
__u32 found_no_room;

static long tell_one(void *map, const __u64 *key, struct flow *flow, void *nothing)
{
	struct nf_conn *ct = (struct nf_conn *)*key;

	if (flow->is_counted || !flow->announced || !flow_wanted(flow) ||
	    flow->first_ns > telling_since)
		return 0;
	if (!tell_end(ct, flow, END_OPEN)) {
		found_no_room = 1; /* which is counted; the next run tries again */
		return 1;
	}
	flow->is_counted = 1;
	return was_last_told();
}

/* Attached to nothing: user space runs it until it returns 0. Since 5.13. */
SEC("raw_tp/tell_open_flows")
int tell_open_flows(void *ctx)
{
	told_open = found_no_room = 0;
	if (!telling_since)
		telling_since = bpf_ktime_get_ns();
	bpf_for_each_map_elem(&flows, tell_one, NULL, 0);
	return told_open | found_no_room;
}

#endif
