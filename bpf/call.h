/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A kprobe and its kretprobe, paired by the stack pointer: it is unique among
 * all calls in flight, whatever interrupts, preempts or nests them. fexit has
 * the arguments at hand and needs none of this.
 */
#ifndef CONNTRAIL_CALL_H
#define CONNTRAIL_CALL_H

#if defined(__TARGET_ARCH_x86)
#define RETURN_ADDRESS_BYTES 8 /* `ret` has popped it when the return probe runs */
#else
#define RETURN_ADDRESS_BYTES 0 /* arm64 returns by the link register */
#endif

/* Where the function was called from: on top of the stack at its first instruction. */
static __always_inline __u64 caller_of(struct pt_regs *ctx)
{
	__u64 caller = 0;

#if defined(__TARGET_ARCH_x86)
	bpf_probe_read_kernel(&caller, sizeof(caller), (void *)PT_REGS_SP(ctx));
#else
	caller = PT_REGS_RET(ctx);
#endif
	return caller;
}

static __always_inline void remember_call(struct pt_regs *ctx, const struct call *call)
{
	struct counters *count = cpu_counters();
	__u64 key = PT_REGS_SP(ctx);
	__u32 now = current_phase();

	if (!count || now == PHASE_OFF || now == PHASE_STOPPING)
		return;
	if (bpf_map_update_elem(&calls, &key, call, BPF_ANY))
		count->calls_full++;
	else
		count->calls_begun++;
}

static __always_inline bool recall(struct pt_regs *ctx, struct call *call)
{
	__u64 key = PT_REGS_SP(ctx) - RETURN_ADDRESS_BYTES;
	struct call *found = bpf_map_lookup_elem(&calls, &key);
	struct counters *count = cpu_counters();

	if (!count)
		return false;
	if (found) {
		*call = *found;
		bpf_map_delete_elem(&calls, &key);
		count->calls_ended++;
		return true;
	}
	if (current_phase() == PHASE_ON)
		count->missed_entry++;
	return false;
}

#endif
