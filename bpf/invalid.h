/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets that conntrack refuses. nf_ct_l4proto_log_invalid() and
 * nf_l4proto_log_invalid() are called with the reason also where nothing is
 * logged: they ask nf_conntrack_log_invalid themselves.
 */
#ifndef CONNTRAIL_INVALID_H
#define CONNTRAIL_INVALID_H

/* "%pV": struct va_format has the text. */
static __always_inline bool is_passed_on(__u64 format)
{
	char head[4] = {};

	bpf_probe_read_kernel(head, sizeof(head), (void *)format);
	return head[0] == '%' && head[1] == 'p' && head[2] == 'V';
}

/* The words of a format that only passes others on: "%s", or "%pV" of struct va_format. */
static __always_inline __u64 words_of(__u64 format, __u64 first)
{
	char head[4] = {};

	if (is_passed_on(format))
		return word_at(first); /* va_format.fmt */
	bpf_probe_read_kernel(head, sizeof(head), (void *)format);
	return head[0] == '%' && head[1] == 's' && !head[2] ? first : format;
}

/* The text itself, the first time; where the ring refuses it, the next time again. */
static __noinline int tell_text(__u64 address)
{
	struct counters *count = cpu_counters();
	struct record *record;
	__u8 told = 1;

	if (!count || !address || !is_recording() || bpf_map_lookup_elem(&texts, &address))
		return 0;
	record = reserve(count, RECORD_TEXT);
	if (!record)
		return 0;
	record->text_at = address;
	bpf_probe_read_kernel_str(record->text, sizeof(record->text), (void *)address);
	submit(record);
	bpf_map_update_elem(&texts, &address, &told, BPF_ANY);
	return 0;
}

static __noinline int tell_said(struct failure *failure, __u64 address)
{
	struct record *record;

	if (!failure)
		return 0;
	tell_text(address);
	record = reserve_failure(failure);
	if (!record)
		return 0;
	record->said = address;
	submit(record);
	return 0;
}

/* Where a packet is: the hook's state, of which older kernels pass only parts. */
static __noinline int place_failure(struct failure *failure, struct nf_hook_state *state, __u8 *pf)
{
	__u8 hook = NO_HOOK;

	if (!failure || !pf)
		return 0;
	bpf_core_read(&hook, sizeof(hook), &state->hook);
	bpf_core_read(pf, sizeof(*pf), &state->pf);
	failure->hook = hook;
	failure->netns = BPF_CORE_READ(state, net, ns.inum);
	return 0;
}

/* nf_ct_l4proto_log_invalid(): `state` 0 where the kernel does not pass it. */
static __noinline int on_entry_invalid(struct sk_buff *skb, struct nf_conn *ct, __u64 state,
				       __u64 text)
{
	struct failure failure = { .cause = FAILURE_INVALID, .flags = FAILURE_OF_ENTRY };
	struct flow *flow;
	__u8 pf = BPF_CORE_READ(ct, tuplehash[0].tuple.src.l3num);

	failure.skb = (__u64)skb;
	failure.hook = hook_of(skb);
	if (state)
		place_failure(&failure, (struct nf_hook_state *)state, &pf);
	failure.netns = entry_netns(ct);
	failure.zone = entry_zone(ct);
	read_packet(skb, pf, &failure.tuple);
	flow = known_flow(ct);
	if ((flow || (BPF_CORE_READ(ct, status) & IPS_CONFIRMED)))
		failure.flow = told_flow(ct);
	return tell_said(&failure, text);
}

/* nf_l4proto_log_invalid(); of "%pV" the function above has told, which calls this one. */
static __noinline int on_packet_invalid(struct sk_buff *skb, __u64 state_or_net, __u8 pf, __u64 text)
{
	struct failure failure = { .cause = FAILURE_INVALID };

	failure.skb = (__u64)skb;
	failure.hook = hook_of(skb);
	if (log_has_state)
		place_failure(&failure, (struct nf_hook_state *)state_or_net, &pf);
	else
		failure.netns = BPF_CORE_READ((struct net *)state_or_net, ns.inum);
	read_packet(skb, pf, &failure.tuple);
	return tell_said(&failure, text);
}

/* nf_ct_helper_log(): it is about to drop the packet, or has failed to expect a flow. */
static __noinline int on_helper_log(struct sk_buff *skb, struct nf_conn *ct, __u64 text)
{
	struct failure failure = { .cause = FAILURE_HELPER };

	failure.flow = told_flow(ct);
	describe_entry(ct, &failure);
	failure.skb = (__u64)skb;
	failure.hook = hook_of(skb);
	return tell_said(&failure, text);
}

/* nf_conntrack_in() returns, and the packet has no entry; it came with none. */
static __noinline int tell_refused(struct sk_buff *skb, struct nf_hook_state *state, __u32 verdict)
{
	struct failure failure = { .cause = FAILURE_REFUSED };
	struct note *note = cpu_note();
	struct record *record;
	__u8 pf = 0;

	if (!note || !is_recording())
		return 0;
	if (verdict == NF_DROP && note->was_full) {
		note->was_full = 0;
		return 0;
	}
	failure.skb = (__u64)skb;
	failure.verdict = verdict;
	place_failure(&failure, state, &pf);
	read_packet(skb, pf, &failure.tuple);
	record = reserve_failure(&failure);
	if (record)
		submit(record);
	return 0;
}

static __always_inline int on_conntrack_leave(struct sk_buff *skb, struct nf_hook_state *state,
					      __u32 verdict)
{
	return FIELD(skb, _nfct) ? 0 : tell_refused(skb, state, verdict);
}

#endif
