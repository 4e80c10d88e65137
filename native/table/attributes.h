/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Attributes of messages, and their values. They are walked here and not by
 * libmnl: a hundred calls an entry are half of what a row takes; and libmnl
 * goes on to the next multiple of four.
 */
#ifndef CONNTRAIL_TABLE_ATTRIBUTES_H
#define CONNTRAIL_TABLE_ATTRIBUTES_H

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline const void *payload_of(const struct nlattr *attr)
{
	return (const char *)attr + NLA_HDRLEN;
}

static inline size_t length_of(const struct nlattr *attr)
{
	return attr->nla_len - (size_t)NLA_HDRLEN;
}

static inline uint16_t type_of(const struct nlattr *attr)
{
	return attr->nla_type & NLA_TYPE_MASK;
}

static inline const struct nlattr *next_of(const struct nlattr *attr)
{
	return (const void *)((const char *)attr + NLA_ALIGN(attr->nla_len));
}

/* Whole before `end`, which may lie before it already. */
static inline bool is_whole(const struct nlattr *attr, const char *end)
{
	const ptrdiff_t left = end - (const char *)attr;

	return left >= NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN && attr->nla_len <= left;
}

#define for_each_in(attr, nest)                                                                    \
	for ((attr) = payload_of(nest); is_whole(attr, (const char *)(nest) + (nest)->nla_len);    \
	     (attr) = next_of(attr))

/* Values of attributes may lie at any address; one that is too short is no value. */
static inline bool read_u64(const struct nlattr *attr, uint64_t *value)
{
	uint64_t wide;

	if (length_of(attr) < sizeof(wide))
		return false;
	memcpy(&wide, payload_of(attr), sizeof(wide));
	*value = be64toh(wide);
	return true;
}

static inline bool read_u32(const struct nlattr *attr, uint32_t *value)
{
	uint32_t word;

	if (length_of(attr) < sizeof(word))
		return false;
	memcpy(&word, payload_of(attr), sizeof(word));
	*value = ntohl(word);
	return true;
}

/* As conntrack(8) shows it: the packet's bytes, in the order of this machine. */
static inline bool read_tag(const struct nlattr *attr, uint32_t *tag)
{
	if (length_of(attr) < sizeof(*tag))
		return false;
	memcpy(tag, payload_of(attr), sizeof(*tag));
	return true;
}

static inline bool read_u16(const struct nlattr *attr, uint16_t *value)
{
	uint16_t half;

	if (length_of(attr) < sizeof(half))
		return false;
	memcpy(&half, payload_of(attr), sizeof(half));
	*value = ntohs(half);
	return true;
}

static inline bool read_u8(const struct nlattr *attr, uint8_t *value)
{
	if (length_of(attr) < 1)
		return false;
	*value = *(const uint8_t *)payload_of(attr);
	return true;
}

static inline uint32_t has_if(bool is_read, uint32_t bits)
{
	return is_read ? bits : 0;
}

#endif
