/* SPDX-License-Identifier: GPL-2.0 */
/* What conntrack itself counted of an entry: nf_conntrack_acct. */
#ifndef CONNTRAIL_ACCOUNT_H
#define CONNTRAIL_ACCOUNT_H

#define NF_CT_EXT_ACCT 3 /* enum nf_ct_ext_id, the same from 5.10 to 7.3 */

/*
 * struct nf_conn_acct into record.counted: packets and bytes, of the original
 * direction and of the reply. False where it is not counted. nf_ct_ext begins
 * with the place of each extension, a byte each, 0 for one that is not there.
 */
static __always_inline bool read_account(struct nf_conn *ct, struct record *record)
{
	__u64 extensions;
	__u8 place = 0;

	if (!accounts)
		return false;
	extensions = (__u64)BPF_CORE_READ(ct, ext);
	if (!extensions)
		return false;
	bpf_probe_read_kernel(&place, sizeof(place), (void *)(extensions + NF_CT_EXT_ACCT));
	if (!place)
		return false;
	return bpf_probe_read_kernel(&record->counted, sizeof(record->counted),
				     (void *)(extensions + place)) == 0;
}

#endif
