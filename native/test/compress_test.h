/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONNTRAIL_COMPRESS_TEST_H
#define CONNTRAIL_COMPRESS_TEST_H

void test_compress_whole(void);
void test_compress_no_room(void);

#endif
