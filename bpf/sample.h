/* SPDX-License-Identifier: GPL-2.0 */
/* Which flows are in the sample. */
#ifndef CONNTRAIL_SAMPLE_H
#define CONNTRAIL_SAMPLE_H

static __always_inline __u32 fold(__u64 word)
{
	return word ^ word >> 32;
}

/* A tuple turned round gives the same: of two packets of one flow both are in the sample, or none. */
static __always_inline bool in_sample(const struct tuple *tuple)
{
	const __u64 *words = tuple->words;
	__u64 hash = tuple->l4proto;

	if (sample == 1)
		return true;
	hash += (fold(words[0] ^ words[1]) ^ (__u32)tuple->src_port << 16) * HASH_FACTOR;
	hash += (fold(words[2] ^ words[3]) ^ (__u32)tuple->dst_port << 16) * HASH_FACTOR;
	hash = (hash ^ hash >> 29) * HASH_FACTOR;
	return (hash >> 32) % sample == 0;
}

#endif
