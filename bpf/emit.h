/* SPDX-License-Identifier: GPL-2.0 */
/* From a handler to the ring: every record is tried, numbered, and counted if lost. */
#ifndef CONNTRAIL_EMIT_H
#define CONNTRAIL_EMIT_H

/*
 * A record filled from `like`, or zeroed where that is NULL, and its head; or
 * NULL when the ring is full. The sequence number counts lost records too, so
 * that a reader sees each gap. The clock is read after the place was reserved:
 * what is reserved later is later.
 */
static __always_inline struct record *reserve_like(void *ring, __u32 cpu, struct counters *count,
						   __u8 kind, const struct record *like)
{
	__u32 seq = count->seq++;
	struct record *record;

	count->tried[kind & (COUNTED_KINDS - 1)]++;
	record = ring ? bpf_ringbuf_reserve(ring, sizeof(*record), 0) : NULL;
	if (!record) {
		count->ring_full[kind & (COUNTED_KINDS - 1)]++;
		return NULL;
	}
	if (like)
		__builtin_memcpy(record, like, sizeof(*record));
	else
		__builtin_memset(record, 0, sizeof(*record));
	record->ktime_ns = bpf_ktime_get_ns();
	record->seq = seq;
	record->cpu = cpu;
	record->kind = kind;
	return record;
}

static __always_inline struct record *reserve(struct counters *count, __u8 kind)
{
	__u32 cpu = bpf_get_smp_processor_id();
	void *ring = bpf_map_lookup_elem(&rings, &cpu);
	struct record *record = reserve_like(ring, cpu, count, kind, NULL);

	if (!record)
		return NULL;
	record->hook = NO_HOOK;
	record->ctinfo = CTINFO_NONE;
	return record;
}

#define RING_STEP (sizeof(struct record) + BPF_RINGBUF_HDR_SZ)

/* Waking the reader costs more than all the rest: once, when much has come to wait. */
static __always_inline void submit_to(void *ring, struct record *record)
{
	__u64 waiting = ring ? bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) : 0;
	bool crosses = waiting >= wake_bytes && waiting - RING_STEP < wake_bytes;

	bpf_ringbuf_submit(record, crosses ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

static __always_inline void submit(struct record *record)
{
	__u32 cpu = record->cpu;

	submit_to(bpf_map_lookup_elem(&rings, &cpu), record);
}

static __always_inline void set_tuple(struct record *record, const struct tuple *tuple)
{
	__builtin_memcpy(record->src, tuple->src, sizeof(record->src));
	__builtin_memcpy(record->dst, tuple->dst, sizeof(record->dst));
	record->src_port = tuple->src_port;
	record->dst_port = tuple->dst_port;
	record->l4proto = tuple->l4proto;
	record->family = tuple->family;
}

#endif
