/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONNTRAIL_EXPECT_TEST_H
#define CONNTRAIL_EXPECT_TEST_H

void test_expect_built(void);
void test_expect_hostile(void);

#endif
