/* SPDX-License-Identifier: GPL-2.0 */
/* Pieces of lines: into room that is known to suffice, without formats. */
#ifndef CONNTRAIL_TABLE_WORDS_H
#define CONNTRAIL_TABLE_WORDS_H

#include <stdint.h>

/* Where the next byte goes. */
struct out {
	char *at;
};

struct out put_text(struct out out, const char *text);
/* With spaces behind up to `width`. */
struct out put_padded(struct out out, const char *text, unsigned width);
struct out put_number(struct out out, uint64_t number);
struct out put_hex(struct out out, uint32_t number);
/* `name=123 ` */
struct out put_named(struct out out, const char *name, uint64_t number);
/* `name=text ` */
struct out put_named_text(struct out out, const char *name, const char *text);
/* `bytes`: 16, IPv4 as IPv4-mapped. */
struct out put_address(struct out out, const uint8_t *bytes, uint8_t family);

/* The time of now as conntrack(8) has it in front of a line. */
struct out put_clock(struct out out);

/* As conntrack(8) names them; "unknown" where it has no name. */
const char *protocol_word(uint8_t protocol);
const char *state_word(uint8_t protocol, uint8_t state);

#endif
