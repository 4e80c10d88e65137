/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the legacy backend's tables are, for flows alone: their walk is every
 * packet's, and not probed then. Whoever lists a table looks it up, and user
 * space lists them when a trace begins: that is seen here.
 */
#ifndef CONNTRAIL_LEGACY_H
#define CONNTRAIL_LEGACY_H

#define XT_PARAMETERS_STATE 16 /* xt_action_param.state */
#define MAX_ERRNO 4095

struct table_place {
	__u32 netns;
	__u32 pf;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct table_place);
	__type(value, __u64); /* address of the xt_table */
} legacy_tables SEC(".maps");

/* Looking up waits for a lock, and may end on another CPU: by thread. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct table_place);
} lookups SEC(".maps");

static __always_inline int on_lookup(struct net *net, __u64 pf)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct table_place place = { .netns = BPF_CORE_READ(net, ns.inum), .pf = pf & 0xff };

	bpf_map_update_elem(&lookups, &thread, &place, BPF_ANY);
	return 0;
}

/* `table` of any name, or an error as a pointer. */
static __always_inline int on_found(__u64 table)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct table_place *place = bpf_map_lookup_elem(&lookups, &thread);

	if (place && table && table < (__u64)-MAX_ERRNO && is_named_nat(table))
		bpf_map_update_elem(&legacy_tables, place, &table, BPF_ANY);
	return 0;
}

/* The table that a target stands in; 0 where it is not known, or the target not in it. */
static __always_inline __u64 table_of_target(struct nf_hook_state *state, __u64 data)
{
	struct table_place place = {};
	__u64 *table, private, offset;
	__u8 pf = 0;

	bpf_core_read(&pf, sizeof(pf), &state->pf);
	place.netns = BPF_CORE_READ(state, net, ns.inum);
	place.pf = pf;
	table = bpf_map_lookup_elem(&legacy_tables, &place);
	if (!table)
		return 0;
	private = word_at(*table + XT_TABLE_PRIVATE);
	offset = data - (private + XT_INFO_ENTRIES);
	return offset < LOW_BITS(word_at(private), 32) ? *table : 0; /* xt_table_info.size */
}

#endif
