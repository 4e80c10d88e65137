/* SPDX-License-Identifier: GPL-2.0 */
/* What a failure is told by, noted on its CPU until it happens; a part of maps.h. */
#ifndef CONNTRAIL_NOTE_H
#define CONNTRAIL_NOTE_H

/* nf_ct_resolve_clash() between its entry and its return: softirqs are off there. */
struct clash {
	__u64 skb; /* kept afterwards: this packet's refusal has been told */
	__u64 number; /* of the loser; `flow` is 0 where it is not wanted */
	__u64 flow, rival;
	__u32 netns, zone;
	__u64 reply_taken;
	struct tuple tuple;
};

struct note {
	/* __nf_conntrack_alloc(): addresses of the tuple and the zone of the entry it is asked for */
	__u64 newcomer, newcomer_zone;
	__u32 newcomer_hash;
	/* early_drop(): its argument, and where on the stack it runs, 0 where it does not */
	__u32 evictor_hash;
	__u64 evictor, evictor_net, deleted_at;
	/* nf_conntrack_tuple_taken(): for which nf_conn, how often it said yes, and whether it did last */
	__u64 searched_for;
	__u32 tries, last_taken;
	__u64 was_full; /* the packet that nf_conntrack_in() drops now has been told of */
	struct clash clash;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct note);
} notes SEC(".maps");

/* Texts of the kernel that user space knows, by address. A full one: they are told again. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, __u64);
	__type(value, __u8);
} texts SEC(".maps");

static __always_inline struct note *cpu_note(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&notes, &cpu);
}

#endif
