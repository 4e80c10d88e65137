/* SPDX-License-Identifier: GPL-2.0 */
/* What an entry says of itself, beside its tuples. */
#ifndef CONNTRAIL_STATE_H
#define CONNTRAIL_STATE_H

static __always_inline __u32 entry_netns(struct nf_conn *ct)
{
	return BPF_CORE_READ(ct, ct_net.net, ns.inum);
}

static __always_inline __u32 entry_zone(struct nf_conn *ct)
{
	__u32 size = bpf_core_type_size(struct nf_conntrack_zone);
	struct nf_conntrack_zone *zone = &ct->zone;
	__u64 copy = 0; /* the kernel's has 4 bytes */

	bpf_probe_read_kernel(&copy, size < sizeof(copy) ? size : sizeof(copy), zone);
	return (__u16)(copy >> bpf_core_field_offset(zone->id) * 8) |
	       (__u32)(__u8)(copy >> bpf_core_field_offset(zone->dir) * 8) << 16;
}

struct entry_state {
	__u32 mark;
	__u16 status;
};

/* Both fields are near each other: one copy takes them and what is between. */
static __always_inline struct entry_state read_entry_state(struct nf_conn *ct)
{
	__u32 from = bpf_core_field_offset(ct->status);
	__u32 distance = bpf_core_field_offset(ct->mark) - from;
	__u64 copied[6];

	if (distance > sizeof(copied) - sizeof(__u32) || distance % sizeof(__u32) ||
	    bpf_probe_read_kernel(copied, distance + sizeof(__u32), (void *)ct + from))
		return (struct entry_state){ BPF_CORE_READ(ct, mark), BPF_CORE_READ(ct, status) };
	return (struct entry_state){ *(__u32 *)((void *)copied + distance), copied[0] };
}

/* What all records about an entry say of it, beside its tuples. */
struct entry_facts {
	struct entry_state state;
	__u32 netns;
	__u32 zone; /* RECORD_FLOW alone, else 0 */
};

static __always_inline struct entry_facts read_facts(struct nf_conn *ct)
{
	return (struct entry_facts){ read_entry_state(ct), entry_netns(ct), 0 };
}

#endif
