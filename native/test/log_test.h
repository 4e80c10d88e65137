/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONNTRAIL_LOG_TEST_H
#define CONNTRAIL_LOG_TEST_H

void test_log_order(void);
void test_log_end(void);

#endif
