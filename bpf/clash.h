/* SPDX-License-Identifier: GPL-2.0 */
/* An entry that asks for its place in the table and does not get it, or not as it was. */
#ifndef CONNTRAIL_CLASH_H
#define CONNTRAIL_CLASH_H

/* The entry that a struct nf_conntrack_tuple_hash is a part of. */
static __always_inline struct nf_conn *entry_with(struct nf_conntrack_tuple_hash *hash)
{
	struct nf_conn *none = NULL;
	__u64 first = bpf_core_field_offset(none->tuplehash);

	if (BPF_CORE_READ(hash, tuple.dst.dir))
		first += bpf_core_type_size(struct nf_conntrack_tuple_hash);
	return (struct nf_conn *)((__u64)hash - first);
}

/* Who asks for the place and who has it. To tell of them takes much stack: apart from the tuples. */
static __noinline bool note_rivals(struct sk_buff *skb, struct nf_conntrack_tuple_hash *hash)
{
	struct nf_conn *ct = entry_of(BPF_CORE_READ(skb, _nfct));
	struct note *note = cpu_note();
	struct flow *flow;

	if (!note || !ct || !is_recording())
		return false;
	flow = flow_of(ct);
	note->clash.skb = (__u64)skb;
	note->clash.number = flow ? flow->number : 0;
	note->clash.flow = flow && flow->wanted != WANTED_NO ? flow->number : 0;
	note->clash.rival = told_flow(entry_with(hash));
	return true;
}

static __noinline int note_tuples(struct sk_buff *skb, struct nf_conntrack_tuple_hash *hash)
{
	struct nf_conn *ct = entry_of(BPF_CORE_READ(skb, _nfct));
	struct note *note = cpu_note();
	struct tuple taken, reply;

	if (!note)
		return 0;
	read_kernel_tuple(&hash->tuple, &taken);
	read_entry_tuple(ct, 1, &reply);
	read_entry_tuple(ct, 0, &note->clash.tuple);
	note->clash.netns = entry_netns(ct);
	note->clash.zone = entry_zone(ct);
	note->clash.reply_taken =
		same_tuple(&taken, &reply) && !same_tuple(&taken, &note->clash.tuple);
	return 0;
}

/* nf_ct_resolve_clash(): `hash` is the tuple of another entry that stands in the table already. */
static __always_inline int on_clash(struct sk_buff *skb, struct nf_conntrack_tuple_hash *hash)
{
	return note_rivals(skb, hash) ? note_tuples(skb, hash) : 0;
}

/* Accepted: merged with the rival, or kept as an entry that only replies find. */
static __noinline int on_clash_leave(struct sk_buff *skb, __u32 verdict)
{
	struct failure failure = { .cause = FAILURE_CLASH, .verdict = verdict };
	struct note *note = cpu_note();
	struct nf_conn *ct = entry_of(BPF_CORE_READ(skb, _nfct));
	struct flow *now = known_flow(ct);
	struct record *record;

	if (!note || note->clash.skb != (__u64)skb)
		return 0;
	failure.skb = (__u64)skb;
	failure.hook = hook_of(skb);
	failure.flow = note->clash.flow;
	failure.netns = note->clash.netns;
	failure.zone = note->clash.zone;
	failure.tuple = note->clash.tuple;
	if (note->clash.reply_taken)
		failure.flags |= FAILURE_REPLY_TAKEN;
	if (now && now->number != note->clash.number)
		failure.flags |= FAILURE_MERGED;
	if (ct)
		failure.status = BPF_CORE_READ(ct, status);
	record = reserve_failure(&failure);
	if (!record)
		return 0;
	record->rival = note->clash.rival;
	submit(record);
	return 0;
}

/* __nf_conntrack_confirm() has refused: without a clash its entry was dying, or its chain too long. */
static __noinline int tell_unconfirmed(struct sk_buff *skb, struct nf_conn *ct, __u64 flow)
{
	struct failure failure = { .cause = FAILURE_CONFIRM, .verdict = NF_DROP };
	struct note *note = cpu_note();
	struct record *record;

	if (!note)
		return 0;
	if (note->clash.skb == (__u64)skb) {
		note->clash.skb = 0;
		return 0;
	}
	failure.flow = flow;
	describe_entry(ct, &failure);
	failure.hook = hook_of(skb);
	record = reserve_failure(&failure);
	if (!record)
		return 0;
	record->skb = (__u64)skb;
	submit(record);
	return 0;
}

#endif
