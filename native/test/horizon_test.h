/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONNTRAIL_HORIZON_TEST_H
#define CONNTRAIL_HORIZON_TEST_H

void test_horizon_of_busy(void);
void test_horizon_of_nested(void);
void test_horizon_moves(void);
void test_broken(void);
void test_timeout(void);
void test_ready(void);

#endif
