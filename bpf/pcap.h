/* SPDX-License-Identifier: GPL-2.0 */
/* An expression of pcap-filter(7), which user space has compiled and translated to eBPF. */
#ifndef CONNTRAIL_PCAP_H
#define CONNTRAIL_PCAP_H

/* Instructions that a translated expression may have. */
#define PCAP_ROOM 4096

/*
 * Only room: user space puts the translated expression here, in the object's
 * bytes, and makes the function as long as that is. Zero is no match.
 */
static __noinline __u32 pcap_program(const struct pcap_view *view)
{
	__u32 matched;

	asm volatile(".rept %c[room]\n"
		     "r0 = 0\n"
		     ".endr\n"
		     "%[matched] = r0\n"
		     : [matched] "=r"(matched)
		     : [view] "r"(view), [room] "i"(PCAP_ROOM)
		     : "r0", "memory");
	return matched;
}

/* The packet from its IP header on: its first bytes, and where to read the others. */
static __noinline bool run_pcap_program(struct sk_buff *skb)
{
	struct pcap_view view;
	__u64 head = (__u64)BPF_CORE_READ(skb, head);
	__u32 start = BPF_CORE_READ(skb, network_header);
	__u32 data = (__u64)BPF_CORE_READ(skb, data) - head, tail = BPF_CORE_READ(skb, tail);

	view.packet = head + start;
	view.valid = tail > start ? tail - start : 0;
	view.len = BPF_CORE_READ(skb, len) + data - start; /* a header may be pulled already */
	if (bpf_probe_read_kernel(view.bytes, sizeof(view.bytes), (void *)view.packet))
		view.valid = 0;
	return pcap_program(&view) != 0;
}

static __always_inline bool packet_matches(struct sk_buff *skb)
{
	return !filter.pcap || run_pcap_program(skb);
}

#endif
