/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A full table: early_drop() makes room by deleting flows, or finds none to
 * delete. It is told what it is called for by the probe on its caller, which
 * notes two addresses for each new flow and nothing more.
 */
#ifndef CONNTRAIL_FULL_H
#define CONNTRAIL_FULL_H

/* struct nf_conntrack_net begins with `count`; it stands in net_generic by the module's number. */
static __noinline __u32 entries_in(struct net *net)
{
	__u64 generic, own = 0;
	__u32 id = 0, count = 0;

	if (!net)
		return 0;
	if (bpf_core_field_exists(net->ct.count))
		return BPF_CORE_READ(net, ct.count.counter);
	if (!conntrack_net_id_at)
		return 0;
	bpf_probe_read_kernel(&id, sizeof(id), (void *)conntrack_net_id_at);
	generic = (__u64)BPF_CORE_READ(net, gen);
	own = word_at(generic + id * sizeof(__u64));
	bpf_probe_read_kernel(&count, sizeof(count), (void *)own);
	return count;
}

static __always_inline __u32 most_entries(void)
{
	__u32 most = 0;

	if (conntrack_max_at)
		bpf_probe_read_kernel(&most, sizeof(most), (void *)conntrack_max_at);
	return most;
}

/* __nf_conntrack_alloc(): the tuple and the zone stay where they are until it returns. */
static __always_inline int on_alloc(__u64 zone, __u64 tuple, __u32 hash)
{
	struct note *note = cpu_note();

	if (!note)
		return 0;
	note->newcomer = tuple;
	note->newcomer_zone = zone;
	note->newcomer_hash = hash;
	return 0;
}

/* Softirqs interrupt: what was noted is this call's only if its hash says so. */
static __always_inline void read_newcomer(const struct note *note, struct failure *failure)
{
	struct nf_conntrack_zone *zone = (struct nf_conntrack_zone *)note->newcomer_zone;

	if (!note->newcomer || note->newcomer_hash != note->evictor_hash) {
		failure->flags = FAILURE_NO_TUPLE;
		return;
	}
	read_kernel_tuple((struct nf_conntrack_tuple *)note->newcomer, &failure->tuple);
	failure->zone = BPF_CORE_READ(zone, id);
}

static __noinline int tell_full(struct note *note, __u64 victim)
{
	struct failure failure = { .hook = NO_HOOK, .verdict = victim ? NF_ACCEPT : NF_DROP };
	struct record *record;
	struct net *net;

	if (!note)
		return 0;
	net = (struct net *)note->evictor_net;
	failure.cause = victim ? FAILURE_EVICTED : FAILURE_FULL;
	failure.netns = BPF_CORE_READ(net, ns.inum);
	read_newcomer(note, &failure);
	record = reserve_failure(&failure);
	if (!record)
		return 0;
	record->rival = victim == ~0ULL ? 0 : victim;
	record->fill = entries_in(net);
	record->limit = most_entries();
	submit(record);
	return 0;
}

static __always_inline int on_early_drop(struct net *net, __u32 hash, __u64 stack)
{
	struct note *note = cpu_note();

	if (!note || !is_recording())
		return 0;
	note->evictor_hash = hash;
	note->evictor_net = (__u64)net;
	note->evictor = stack;
	return 0;
}

/* `evicted`: false where there was nothing to evict; the newcomer's packet is dropped then. */
static __always_inline int on_early_drop_leave(__u32 hash, bool evicted)
{
	struct note *note = cpu_note();

	if (!note || !note->evictor || note->evictor_hash != hash)
		return 0;
	if (!evicted) {
		tell_full(note, 0);
		note->was_full = 1;
	}
	note->evictor = 0;
	return 0;
}

#define EVICTOR_STACK 1024 /* early_drop() and what it calls take less; an interrupt takes more */

/* Is the nf_ct_delete() at this place of the stack one of early_drop()'s? */
static __always_inline bool is_evicted(struct note *note, __u64 stack)
{
	volatile __u64 *place;

	if (!note || !note->evictor)
		return false;
	place = &note->deleted_at; /* by way of memory it is a number, with which the verifier lets us reckon */
	*place = stack;
	return note->evictor - *place < EVICTOR_STACK;
}

/* The victim is on its way out: a row for each, as the kernel counts. */
static __always_inline void tell_victim(struct note *note, const struct flow *victim)
{
	tell_full(note, flow_wanted(victim) ? victim->number : ~0ULL);
}

#endif
