/* SPDX-License-Identifier: GPL-2.0 */
/* What can be refused or lost, as RECORD_FAILURE names it; a part of record.h. */
#ifndef CONNTRAIL_FAILURE_CODES_H
#define CONNTRAIL_FAILURE_CODES_H

/* record.cause of RECORD_FAILURE: where the kernel gave up, not what it means. */
enum record_failure {
	FAILURE_INVALID = 1,  /* nf_ct_l4proto_log_invalid(), nf_l4proto_log_invalid(): text */
	FAILURE_REFUSED = 2,  /* nf_conntrack_in() left no entry: verdict */
	FAILURE_FULL = 3,     /* early_drop() found nothing to evict: tuple of the newcomer, fill, limit */
	FAILURE_EVICTED = 4,  /* nf_ct_delete() in early_drop(): the same, and rival: the victim */
	FAILURE_CLASH = 5,    /* nf_ct_resolve_clash(): verdict, flow, rival */
	FAILURE_CONFIRM = 6,  /* __nf_conntrack_confirm() refused without a clash: status */
	FAILURE_SEARCH = 7,   /* nf_nat_setup_info() ended with a tuple that is taken: tries */
	FAILURE_RANGE = 8,    /* what it was asked for, in place of the tuple; before FAILURE_SEARCH */
	FAILURE_EXPECT = 9,   /* nf_ct_expect_related_report(): error, tuple expected, flow: its master */
	FAILURE_HELPER = 10,  /* nf_ct_helper_log(): text */
	FAILURE_SEQUENCE = 11, /* nf_ct_seq_adjust() */
};

/* Bits of record.flags of RECORD_FAILURE. */
enum record_failure_flag {
	FAILURE_OF_ENTRY = 1 << 0,    /* INVALID: the packet had found an entry, or made one */
	FAILURE_MERGED = 1 << 1,      /* CLASH: the packet now belongs to the rival */
	FAILURE_REPLY_TAKEN = 1 << 2, /* CLASH: the rival has its reply tuple, else its original one */
	FAILURE_NO_TUPLE = 1 << 3,    /* whose packet it was is not known */
};

#endif
