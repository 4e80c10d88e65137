// SPDX-License-Identifier: GPL-2.0
#include "words.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* linux/netfilter/nf_conntrack_tcp.h; 9 was LISTEN once. */
static const char *const tcp_states[] = { "NONE",      "SYN_SENT", "SYN_RECV", "ESTABLISHED",
					  "FIN_WAIT",  "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT",
					  "CLOSE",     "SYN_SENT2" };
static const char *const sctp_states[] = { "NONE",	    "CLOSED",	     "COOKIE_WAIT",
					   "COOKIE_ECHOED", "ESTABLISHED",   "SHUTDOWN_SENT",
					   "SHUTDOWN_RECD", "SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT",
					   "HEARTBEAT_ACKED" };
static const char *const dccp_states[] = { "NONE", "REQUEST",  "RESPOND", "PARTOPEN",
					   "OPEN", "CLOSEREQ", "CLOSING", "TIMEWAIT",
					   "IGNORE", "INVALID" };

struct out put_text(struct out out, const char *text)
{
	const size_t length = strlen(text);

	memcpy(out.at, text, length);
	return (struct out){ out.at + length };
}

struct out put_padded(struct out out, const char *text, unsigned width)
{
	const size_t length = strlen(text);

	out = put_text(out, text);
	for (size_t i = length; i < width; i++)
		*out.at++ = ' ';
	return out;
}

struct out put_number(struct out out, uint64_t number)
{
	char digits[20];
	int count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while (count)
		*out.at++ = digits[--count];
	return out;
}

struct out put_hex(struct out out, uint32_t number)
{
	int shift = 28;

	while (shift && !(number >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*out.at++ = "0123456789abcdef"[number >> shift & 15];
	return out;
}

struct out put_named(struct out out, const char *name, uint64_t number)
{
	out = put_number(put_text(out, name), number);
	*out.at++ = ' ';
	return out;
}

struct out put_named_text(struct out out, const char *name, const char *text)
{
	return put_text(put_text(put_text(out, name), text), " ");
}

/* The first of the longest runs of two or more groups that are 0: what "::" stands for. */
static void longest_zeros(const uint16_t *groups, int *start, int *length)
{
	*start = *length = 0;
	for (int i = 0; i < 8; i++) {
		int run = 0;

		while (i + run < 8 && !groups[i + run])
			run++;
		if (run > *length && run > 1) {
			*start = i;
			*length = run;
		}
		i += run;
	}
}

/* As inet_ntop() does, which takes a format for each group. */
static struct out put_v6(struct out out, const uint8_t *bytes)
{
	static const uint8_t zeros[8];
	uint16_t groups[8];
	int start, length;

	/* Some of these end with an IPv4 address. */
	if (!memcmp(bytes, zeros, sizeof(zeros))) {
		inet_ntop(AF_INET6, bytes, out.at, INET6_ADDRSTRLEN);
		return (struct out){ out.at + strlen(out.at) };
	}
	for (int i = 0; i < 8; i++)
		groups[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
	longest_zeros(groups, &start, &length);
	for (int i = 0; i < 8; i++) {
		if (length && i == start) {
			out = put_text(out, "::");
			i += length - 1;
			continue;
		}
		out = put_hex(out, groups[i]);
		if (i < 7 && !(length && i + 1 == start))
			*out.at++ = ':';
	}
	return out;
}

struct out put_address(struct out out, const uint8_t *bytes, uint8_t family)
{
	if (family == 6)
		return put_v6(out, bytes);
	for (int i = 12; i < 16; i++) {
		out = put_number(out, bytes[i]);
		if (i < 15)
			*out.at++ = '.';
	}
	return out;
}

struct out put_clock(struct out out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct out){ out.at + sprintf(out.at, "[%-8ld.%-6ld]\t", (long)now.tv_sec,
					      now.tv_nsec / 1000) };
}

const char *protocol_word(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_UDPLITE:
		return "udplite";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_GRE:
		return "gre";
	case IPPROTO_DCCP:
		return "dccp";
	default:
		return "unknown";
	}
}

static const char *word_of(const char *const *words, size_t count, uint8_t state)
{
	return state < count ? words[state] : words[0];
}

const char *state_word(uint8_t protocol, uint8_t state)
{
	switch (protocol) {
	case IPPROTO_SCTP:
		return word_of(sctp_states, COUNT(sctp_states), state);
	case IPPROTO_DCCP:
		return word_of(dccp_states, COUNT(dccp_states), state);
	default:
		return word_of(tcp_states, COUNT(tcp_states), state);
	}
}
