/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A call's entry and its return, paired by something that no other call in
 * flight has: a kprobe has the stack pointer, whatever interrupts, preempts or
 * nests; an fexit program has the arguments again. Each CPU keeps its own
 * calls; one that returns on another CPU counts as a return never seen.
 */
#ifndef CONNTRAIL_CALL_H
#define CONNTRAIL_CALL_H

#if defined(__TARGET_ARCH_x86)
#define RETURN_ADDRESS_BYTES 8 /* `ret` has popped it when the return probe runs */
#else
#define RETURN_ADDRESS_BYTES 0 /* arm64 returns by the link register */
#endif

#define ENTRY_KEY(ctx) PT_REGS_SP(ctx)
#define RETURN_KEY(ctx) (PT_REGS_SP(ctx) - RETURN_ADDRESS_BYTES)

/* This CPU's call with this key; 0 finds a free place. */
static __always_inline struct call *find_call(__u64 key)
{
	__u32 first = bpf_get_smp_processor_id() * CALLS_PER_CPU;
	struct call *call;

#pragma unroll
	for (int i = 0; i < CALLS_PER_CPU; i++) {
		__u32 index = first + i;

		call = bpf_map_lookup_elem(&calls, &index);
		if (call && call->key == key)
			return call;
	}
	return NULL;
}

static __always_inline void remember_call(__u64 key, __u64 first, __u64 second)
{
	struct counters *count = cpu_counters();
	struct call *call;

	if (!count || !is_recording())
		return;
	call = find_call(0);
	if (!call) {
		count->calls_full++;
		return;
	}
	call->args[0] = first;
	call->args[1] = second;
	call->key = key;
	count->calls_begun++;
}

/*
 * Gives the call's place free: what is needed of it is read before anything
 * else is remembered. NULL where not every call is.
 */
static __always_inline struct call *recall_if_any(__u64 key)
{
	struct counters *count = cpu_counters();
	struct call *call = find_call(key);

	if (!count || !call)
		return NULL;
	call->key = 0;
	count->calls_ended++;
	return call;
}

/* The same where every call is remembered: one that is not found was missed. */
static __always_inline struct call *recall(__u64 key)
{
	struct counters *count = cpu_counters();
	struct call *call = recall_if_any(key);

	if (!call && count && current_phase() == PHASE_ON)
		count->missed_entry++;
	return call;
}

#endif
