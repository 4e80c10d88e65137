/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONNTRAIL_CHUNK_TEST_H
#define CONNTRAIL_CHUNK_TEST_H

void test_chunk_sizes(void);
void test_chunk_deltas(void);
void test_chunk_refusals(void);

#endif
