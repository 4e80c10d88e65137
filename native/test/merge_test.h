/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONNTRAIL_MERGE_TEST_H
#define CONNTRAIL_MERGE_TEST_H

void test_merge_random(void);
void test_merge_refuses(void);
void test_columns_hostile(void);

#endif
