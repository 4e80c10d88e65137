/* SPDX-License-Identifier: GPL-2.0 */
/* What conntrack itself counted of an entry: nf_conntrack_acct. */
#ifndef CONNTRAIL_ACCOUNT_H
#define CONNTRAIL_ACCOUNT_H

#define NF_CT_EXT_ACCT 3 /* enum nf_ct_ext_id, the same from 5.10 to 7.3 */

#define EXTENSION_BYTES 56 /* of 128 at least */

/* struct nf_conn_acct at a place of extensions that were copied into `words`. */
static __always_inline void set_counted(struct record *record, const __u64 *words)
{
	record->counted[0] = words[0];
	record->counted[1] = words[1];
	record->counted[2] = words[2];
	record->counted[3] = words[3];
}

/*
 * struct nf_conn_acct into record.counted: packets and bytes, of the original
 * direction and of the reply. False where it is not counted. nf_ct_ext begins
 * with the place of each extension, a byte each, 0 for one that is not there.
 * The counts are mostly first, and come in the same copy.
 */
static __always_inline bool read_account(const struct nf_conn *copy, struct record *record)
{
	__u64 words[EXTENSION_BYTES / sizeof(__u64)];
	__u64 extensions;
	__u8 place;

	if (!accounts)
		return false;
	extensions = (__u64)copy->ext;
	if (!extensions ||
	    bpf_probe_read_kernel(words, sizeof(words), (const void *)extensions))
		return false;
	place = words[0] >> NF_CT_EXT_ACCT * 8;
	if (place == 16)
		set_counted(record, &words[2]);
	else if (place == 24)
		set_counted(record, &words[3]);
	else
		return place && bpf_probe_read_kernel(&record->counted, sizeof(record->counted),
						      (const void *)(extensions + place)) == 0;
	return true;
}

#endif
