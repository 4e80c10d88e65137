/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONNTRAIL_FLOWS_TEST_H
#define CONNTRAIL_FLOWS_TEST_H

void test_flows_hostile(void);
void test_transpose_sizes(void);

#endif
