/* SPDX-License-Identifier: GPL-2.0 */
/* What a table is inside: shared by table.c, news and changes. */
#ifndef CONNTRAIL_TABLE_SOCKET_H
#define CONNTRAIL_TABLE_SOCKET_H

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ahead.h"
#include "table.h"

/* A listing's datagrams have 32 KiB at most. */
#define DATAGRAM_BYTES (64u << 10)
#define MESSAGES_BYTES (2u << 20)
#define NO_MESSAGE     UINT32_MAX

struct table {
	int fd;
	int wake_fd;
	uint32_t sequence;
	uint32_t receive_bytes;
	size_t at;     /* up to here messages became rows */
	size_t filled; /* up to here there are messages */
	struct ahead ahead; /* of a listing */
	_Alignas(16) uint8_t messages[MESSAGES_BYTES];
};

static inline struct table *table_of(const struct table_call *call)
{
	return (struct table *)(uintptr_t)call->table;
}

static inline struct table_row *rows_of(const struct table_call *call)
{
	return (struct table_row *)(uintptr_t)call->rows;
}

/* A socket for ctnetlink in the namespace at a path, NULL for ours; or a negative errno. */
int socket_open(const char *netns);

/* Type of a message in the table that a call is about; in both the same three have one number. */
static inline uint16_t type_in(const struct table_call *call, uint16_t type)
{
	const uint16_t subsystem = call->kind == TABLE_EXPECTATIONS ? NFNL_SUBSYS_CTNETLINK_EXP
								    : NFNL_SUBSYS_CTNETLINK;

	static_assert((int)IPCTNL_MSG_CT_NEW == (int)IPCTNL_MSG_EXP_NEW, "new");
	static_assert((int)IPCTNL_MSG_CT_GET == (int)IPCTNL_MSG_EXP_GET, "get");
	static_assert((int)IPCTNL_MSG_CT_DELETE == (int)IPCTNL_MSG_EXP_DELETE, "delete");
	return (uint16_t)(subsystem << 8 | type);
}

/* A message's beginning in memory of the caller's: header, family, version 1. */
struct nlmsghdr *message_begin(struct table *table, void *memory, uint16_t type, uint16_t flags,
			       uint8_t family);
int message_send(struct table *table, const void *messages, size_t bytes);

/*
 * One datagram of the kernel's: its bytes, 0 where none is there and `flags` say
 * not to wait, or a negative errno.
 */
int datagram_read(int fd, void *to, size_t room, int flags);

/* A row of whichever table the message is about: 0, or -1 where it is about neither. */
int message_read(struct table_row *row, const struct nlmsghdr *message);

/* Room behind the messages for one more datagram. */
bool has_room(const struct table *table);
/* Appends one to the messages. */
int datagram_take(struct table *table, int flags);

#endif
