/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONNTRAIL_THREADS_TEST_H
#define CONNTRAIL_THREADS_TEST_H

void test_threads(void);
void test_wake_ends_a_wait(void);

#endif
