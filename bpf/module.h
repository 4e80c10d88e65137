/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Modules of the kernel that come and go while a trace runs: functions to
 * attach to come and go with them. User space is woken at once.
 */
#ifndef CONNTRAIL_MODULE_H
#define CONNTRAIL_MODULE_H

#define MODULE_NAME_BYTES 32 /* of record.src and record.dst; longer names are cut */

static __always_inline int on_module(const struct module *module, __u16 flags)
{
	struct counters *count = cpu_counters();
	struct record *record;

	if (!count || !is_recording())
		return 0;
	record = reserve(count, RECORD_MODULE);
	if (!record)
		return 0;
	record->flags = flags;
	bpf_core_read_str(record->src, MODULE_NAME_BYTES, &module->name);
	bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* Its symbols and types are there, its init function has not run yet. */
SEC("raw_tp/module_load")
int module_load(struct bpf_raw_tracepoint_args *ctx)
{
	return on_module((const struct module *)ctx->args[0], 0);
}

SEC("raw_tp/module_free")
int module_free(struct bpf_raw_tracepoint_args *ctx)
{
	return on_module((const struct module *)ctx->args[0], MODULE_GONE);
}

#endif
