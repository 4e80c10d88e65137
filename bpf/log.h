/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions that take a format and what follows it: no fentry can be there, so
 * these are kprobes in both objects. All arguments are copied before one is
 * chosen: a choice would be made of the context, which the verifier refuses.
 */
#ifndef CONNTRAIL_LOG_H
#define CONNTRAIL_LOG_H

struct log_arguments {
	__u64 word[6];
};

#if defined(__TARGET_ARCH_x86)
#define SIXTH_ARGUMENT(ctx) (__PT_REGS_CAST(ctx)->r9)
#else
#define SIXTH_ARGUMENT(ctx) (__PT_REGS_CAST(ctx)->regs[5])
#endif

static __always_inline struct log_arguments read_arguments(struct pt_regs *ctx)
{
	struct log_arguments all = { { PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx),
				       PT_REGS_PARM4(ctx), PT_REGS_PARM5(ctx), SIXTH_ARGUMENT(ctx) } };

	asm volatile("" : : : "memory");
	return all;
}

SEC("kprobe/nf_ct_l4proto_log_invalid")
int log_entry_invalid(struct pt_regs *ctx)
{
	struct log_arguments got = read_arguments(ctx);
	struct nf_conn *ct = (struct nf_conn *)got.word[1];

	if (log_has_state)
		return on_entry_invalid((struct sk_buff *)got.word[0], ct, got.word[2],
					words_of(got.word[3], got.word[4]));
	return on_entry_invalid((struct sk_buff *)got.word[0], ct, 0,
				words_of(got.word[2], got.word[3]));
}

SEC("kprobe/nf_l4proto_log_invalid")
int log_packet_invalid(struct pt_regs *ctx)
{
	struct log_arguments got = read_arguments(ctx);
	__u64 format = log_has_state ? got.word[3] : got.word[4];
	__u64 first = log_has_state ? got.word[4] : got.word[5];

	if (is_passed_on(format))
		return 0;
	return on_packet_invalid((struct sk_buff *)got.word[0], got.word[1], got.word[2],
				 words_of(format, first));
}

SEC("kprobe/nf_ct_helper_log")
int log_helper(struct pt_regs *ctx)
{
	struct log_arguments got = read_arguments(ctx);

	return on_helper_log((struct sk_buff *)got.word[0], (struct nf_conn *)got.word[1],
			     words_of(got.word[2], got.word[3]));
}

#endif
