/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which rule a nat statement belongs to. In the rules that nf_tables runs, the
 * expressions of a rule stand behind its header, one after the other: struct
 * nft_rule_dp since 5.17, before that struct nft_rule. The nat statement is the
 * last of them, so a header fits if its length ends where the statement does,
 * and if its expressions lead to the statement. The legacy backend has its
 * table in one piece: a target is known by its place in it.
 */
#ifndef CONNTRAIL_RULE_H
#define CONNTRAIL_RULE_H

#define RULE_KIND_SHIFT (RULE_NUMBER_BITS + RULE_TABLE_BITS + RULE_HOOK_BITS)
#define LOW_BITS(value, bits) ((value) & ((1ULL << (bits)) - 1))

#define MOST_RULE_WORDS 512	 /* a rule's expressions are at most 4095 bytes */
#define MOST_EXPRESSIONS 64
#define MOST_CANDIDATES 4

/* Offsets that did not change from 5.10 to 7.3; the types are in BTF of modules, if at all. */
#define NFT_OPS_SIZE 16		 /* nft_expr_ops.size */
#define XT_PARAMETERS_DATA 8	 /* xt_action_param.targinfo */
#define XT_TABLE_PRIVATE 24
#define XT_TABLE_NAME 56
#define XT_INFO_ENTRIES 64	 /* xt_table_info.entries */
#define NFT_CHAIN_TABLE 64
#define NFT_TABLE_HANDLE_5_10 224

/* Where the header of a rule is, by the address of its nat statement; checked before it is believed. */
struct rule_place {
	__u64 header; /* address */
	__u64 word;   /* what it said */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct rule_place);
} rule_places SEC(".maps");

static __always_inline __u64 rule_word(__u64 kind, __u64 hook, __u64 table)
{
	return kind << RULE_KIND_SHIFT | LOW_BITS(hook, RULE_HOOK_BITS)
						 << (RULE_NUMBER_BITS + RULE_TABLE_BITS) |
	       LOW_BITS(table, RULE_TABLE_BITS) << RULE_NUMBER_BITS;
}

static __always_inline __u64 word_at(__u64 address)
{
	__u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), (const void *)address);
	return word;
}

/* Without BTF of modules, as in 5.10, the offset is a constant. */
static __always_inline __u64 nft_table_handle(const void *chain)
{
	__u64 table = word_at((__u64)chain + NFT_CHAIN_TABLE);

	if (bpf_core_field_exists(struct nft_table, handle))
		return BPF_CORE_READ((struct nft_table *)table, handle);
	return word_at(table + NFT_TABLE_HANDLE_5_10);
}

/* Is there struct nft_rule_dp { is_last:1, dlen:12, handle:42 }, or nft_rule { handle:42, genmask:2, dlen:12 }? */
static __always_inline bool has_rule_dp(void)
{
	return bpf_core_type_exists(struct nft_rule_dp);
}

static __always_inline __u64 rule_bytes(__u64 header)
{
	return has_rule_dp() ? LOW_BITS(header >> 1, 12) : LOW_BITS(header >> 44, 12);
}

static __always_inline __u64 rule_handle(__u64 header)
{
	return has_rule_dp() ? LOW_BITS(header >> 13, 42) : LOW_BITS(header, 42);
}

/* Could this word be the header of a rule, so many bytes before the statement's end? */
static __always_inline bool fits(__u64 header, __u64 bytes)
{
	if (has_rule_dp() && (header & 1))
		return false;
	return rule_bytes(header) == bytes && rule_handle(header);
}

static __always_inline __u64 expression_bytes(__u64 expression)
{
	__u32 size = 0;

	bpf_probe_read_kernel(&size, sizeof(size),
			      (const void *)(word_at(expression) + NFT_OPS_SIZE));
	return size;
}

/* How many words before the statement a header may stand, from `step` on; 0: none. */
__noinline int find_header(__u64 statement, __u64 size, __u32 step)
{
	__u64 words = step;

	/* Counted apart from the words: a loop whose bounds both move is too much for the verifier. */
	for (int i = 0; i < MOST_RULE_WORDS; i++, words++)
		if (fits(word_at(statement - words * 8), (words - 1) * 8 + size))
			return words;
	return 0;
}

/* Do the expressions behind the header lead to the statement? */
__noinline int leads_to(__u64 header, __u64 statement)
{
	__u64 expression = header + sizeof(__u64), bytes;

	for (int i = 0; i < MOST_EXPRESSIONS; i++) {
		if (expression >= statement)
			return expression == statement;
		bytes = expression_bytes(expression);
		if (!bytes || bytes > MOST_RULE_WORDS * 8)
			return 0;
		expression += bytes;
	}
	return 0;
}

/* The header's word, and its place for the next time; 0 where none fits. */
static __always_inline __u64 search_header(__u64 statement, __u64 size)
{
	struct rule_place place = {};
	__u32 step = 0;

	for (int i = 0; i < MOST_CANDIDATES; i++) {
		step = find_header(statement, size, step + 1);
		if (!step)
			return 0;
		place.header = statement - (__u64)step * 8;
		if (!leads_to(place.header, statement))
			continue;
		place.word = word_at(place.header);
		bpf_map_update_elem(&rule_places, &statement, &place, BPF_ANY);
		return place.word;
	}
	return 0;
}

/* `asking` with the handle of the rule that the statement stands in. */
static __noinline __u64 nft_rule_word(__u64 asking, __u64 statement)
{
	__u64 word = 0, size;
	struct rule_place *place = bpf_map_lookup_elem(&rule_places, &statement);

	if (place) {
		word = word_at(place->header);
		if (rule_handle(word) != rule_handle(place->word) ||
		    rule_bytes(word) != rule_bytes(place->word))
			word = 0; /* other rules have taken the memory */
	}
	if (!word) {
		size = expression_bytes(statement);
		word = size ? search_header(statement, size) : 0;
	}
	if (!word || rule_handle(word) >> RULE_NUMBER_BITS)
		return LOW_BITS(asking, RULE_KIND_SHIFT) | (__u64)RULE_NOT_FOUND << RULE_KIND_SHIFT;
	return asking | rule_handle(word);
}

/* The chain that is asked is at work now, and so its table is there. */
static __always_inline __u64 rule_in_chain(const struct flow *flow, __u64 statement)
{
	__u64 handle = nft_table_handle((const void *)flow->table);

	return nft_rule_word(flow->asking | LOW_BITS(handle, RULE_TABLE_BITS) << RULE_NUMBER_BITS,
			     statement);
}

/* xt_table.name */
static __always_inline bool is_named_nat(__u64 table)
{
	char name[4] = {};

	bpf_probe_read_kernel(name, sizeof(name), (void *)(table + XT_TABLE_NAME));
	return name[0] == 'n' && name[1] == 'a' && name[2] == 't' && !name[3];
}

/* Every change of a legacy table puts a new one in the place of the old. */
static __always_inline __u64 legacy_rule_word(__u64 asking, __u64 table, __u64 data)
{
	__u64 private = word_at(table + XT_TABLE_PRIVATE);

	return asking | LOW_BITS(private >> 12, RULE_TABLE_BITS) << RULE_NUMBER_BITS |
	       LOW_BITS(data - (private + XT_INFO_ENTRIES), RULE_NUMBER_BITS);
}

#endif
