/* SPDX-License-Identifier: GPL-2.0 */
/* The arguments of nf_queue() and nfqnl_reinject(), read in either way. */
#ifndef CONNTRAIL_QUEUE_STUBS_H
#define CONNTRAIL_QUEUE_STUBS_H

#ifdef CONNTRAIL_FENTRY

SEC("fentry/nf_queue")
int BPF_PROG(queue_enter, struct sk_buff *skb, struct nf_hook_state *state)
{
	return is_ip(FIELD(state, pf)) ? on_queue_enter(skb) : 0;
}

SEC("fexit/nf_queue")
int BPF_PROG(queue_leave, struct sk_buff *skb, const void *state, unsigned int index,
	     unsigned int verdict, int ret)
{
	return on_queue_leave(skb, ret);
}

SEC("fentry/nfqnl_reinject")
int BPF_PROG(reinject, struct nf_queue_entry *entry)
{
	__u8 pf = FIELD(entry, state.pf);

	return is_ip(pf) ? on_reinject(FIELD(entry, skb), FIELD(entry, state.hook)) : 0;
}

#else

SEC("kprobe/nf_queue")
int BPF_KPROBE(queue_enter, struct sk_buff *skb, struct nf_hook_state *state)
{
	if (is_ip(FIELD(state, pf)) && packet_of(skb)) {
		on_queue_enter(skb);
		remember_call(ENTRY_KEY(ctx), (__u64)skb, 0);
	}
	return 0;
}

SEC("kretprobe/nf_queue")
int BPF_KRETPROBE(queue_leave, int ret)
{
	struct call *call = recall_if_any(RETURN_KEY(ctx));

	return call ? on_queue_leave((struct sk_buff *)call->args[0], ret) : 0;
}

SEC("kprobe/nfqnl_reinject")
int BPF_KPROBE(reinject, struct nf_queue_entry *entry)
{
	struct nf_hook_state *state = (void *)entry + bpf_core_field_offset(entry->state);
	__u8 pf = FIELD(state, pf);

	return is_ip(pf) ? on_reinject(FIELD(entry, skb), FIELD(state, hook)) : 0;
}

#endif

#endif
