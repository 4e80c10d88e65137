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
	__u8 tcp; /* enum tcp_conntrack; of another protocol it means nothing */
	__u8 reserved; /* copied as a whole, where the verifier wants all of it written */
};

/* In one copy, which takes what is between, too: a copy takes longer than what is copied. */
static __always_inline struct entry_state read_entry_state(struct nf_conn *ct)
{
	__u32 from = bpf_core_field_offset(ct->status);
	__u32 mark = bpf_core_field_offset(ct->mark) - from;
	__u32 tcp = bpf_core_field_offset(ct->proto.tcp.state) - from;
	__u64 copied[14];

	if (tcp >= sizeof(copied) || mark > tcp - sizeof(__u32) || mark % sizeof(__u32) ||
	    bpf_probe_read_kernel(copied, tcp + 1, (void *)ct + from))
		return (struct entry_state){ BPF_CORE_READ(ct, mark), BPF_CORE_READ(ct, status),
					     BPF_CORE_READ(ct, proto.tcp.state) };
	return (struct entry_state){ *(__u32 *)((void *)copied + mark), copied[0],
				     *((__u8 *)copied + tcp) };
}

/* The same of an entry that is not TCP's: status and mark stand near each other. */
static __always_inline struct entry_state read_plain_state(struct nf_conn *ct)
{
	__u32 from = bpf_core_field_offset(ct->status);
	__u32 mark = bpf_core_field_offset(ct->mark) - from;
	__u64 copied[6];

	if (mark > sizeof(copied) - sizeof(__u32) || mark % sizeof(__u32) ||
	    bpf_probe_read_kernel(copied, mark + sizeof(__u32), (void *)ct + from))
		return read_entry_state(ct);
	return (struct entry_state){ *(__u32 *)((void *)copied + mark), copied[0], 0 };
}

/* enum record_state of an entry of this protocol. */
static __always_inline __u8 state_code(__u8 tcp, __u8 l4proto)
{
	__u8 code = tcp + STATE_TCP;

	return l4proto == IPPROTO_TCP && code < STATE_NO_TCP ? code : STATE_NO_TCP;
}

/* All that can change of an entry's state, to be compared: what is not TCP's stands still there. */
static __always_inline __u8 state_word(const struct entry_state *state)
{
	return state->tcp << 3 | (state->status & (IPS_SEEN_REPLY | IPS_ASSURED));
}

#endif
