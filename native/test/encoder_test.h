/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONNTRAIL_ENCODER_TEST_H
#define CONNTRAIL_ENCODER_TEST_H

void test_encoder_same_bytes(void);
void test_encoder_errors(void);
void test_encoder_needed(void);
void test_encoder_ends(void);

#endif
