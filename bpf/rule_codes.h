/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONNTRAIL_RULE_CODES_H
#define CONNTRAIL_RULE_CODES_H

/*
 * A rule as a number, 0 for none: its kind, the hook it was asked at, its
 * table, itself. Of nft that is the table's handle, used once in a namespace,
 * and the rule's. Of the legacy backend what changes with every change of the
 * table, and where in it the target's data begins.
 */
enum record_rule {
	RULE_NUMBER_BITS = 35,
	RULE_TABLE_BITS = 24,
	RULE_HOOK_BITS = 3,
};

enum record_rule_kind { /* the upper two bits */
	RULE_NFT = 1,
	RULE_LEGACY = 2,
	RULE_NOT_FOUND = 3, /* a rule decided, its header was not found */
};

#endif
