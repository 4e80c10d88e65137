/* SPDX-License-Identifier: GPL-2.0 */
/* Messages about entries as the kernel would send them, made at random. */
#ifndef CONNTRAIL_TABLE_MESSAGES_H
#define CONNTRAIL_TABLE_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

struct nlmsghdr;

/* The same number, the same messages. */
uint32_t next_random(uint32_t *seed);

/* Two times of three. */
bool perhaps(uint32_t *seed);
void random_tuple(struct nlmsghdr *message, uint16_t type, bool is_v6, uint8_t protocol,
		  uint32_t *seed);

/* One message to `memory`, which has 1024 bytes: returns its length. */
uint32_t random_message(void *memory, uint32_t *seed);

#endif
