// SPDX-License-Identifier: GPL-2.0
#include "table.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "socket.h"

_Static_assert(sizeof(struct table_call) == 96, "layout of table_call");
_Static_assert(offsetof(struct table_call, capacity) == 40, "layout of table_call");

/* What the kernel gives: twice what was asked for, or what the system allows. */
static void set_receive_bytes(struct table *table, struct table_call *call)
{
	const int wanted = (int)call->receive_bytes;
	socklen_t length = sizeof(call->receive_bytes);

	if (wanted > 0 &&
	    setsockopt(table->fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof(wanted)) < 0)
		setsockopt(table->fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof(wanted));
	getsockopt(table->fd, SOL_SOCKET, SO_RCVBUF, &call->receive_bytes, &length);
}

int table_open(struct table_call *call)
{
	struct sockaddr_nl own = { .nl_family = AF_NETLINK, .nl_groups = call->groups };
	struct table *table = malloc(sizeof(*table));
	const int on = 1;
	int error;

	if (!table)
		return -ENOMEM;
	memset(table, 0, offsetof(struct table, messages));
	table->fd = socket_open((const char *)(uintptr_t)call->netns);
	table->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (table->fd < 0 || table->wake_fd < 0) {
		error = table->fd < 0 ? table->fd : -errno;
		goto close;
	}
	set_receive_bytes(table, call);
	/* Refusals come without the message that was refused. */
	setsockopt(table->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	if (bind(table->fd, (struct sockaddr *)&own, sizeof(own)) < 0) {
		error = -errno;
		goto close;
	}
	call->table = (uintptr_t)table;
	return 0;
close:
	if (table->fd >= 0)
		close(table->fd);
	if (table->wake_fd >= 0)
		close(table->wake_fd);
	free(table);
	return error;
}

void table_close(struct table_call *call)
{
	struct table *table = table_of(call);

	if (!table)
		return;
	ahead_begin(&table->ahead, -1);
	close(table->fd);
	close(table->wake_fd);
	free(table);
	call->table = 0;
}

static const uint16_t lists[] = {
	[TABLE_ENTRIES] = IPCTNL_MSG_CT_GET,
	[TABLE_EXPECTATIONS] = IPCTNL_MSG_EXP_GET,
	[TABLE_DYING] = IPCTNL_MSG_CT_GET_DYING,
	[TABLE_UNCONFIRMED] = IPCTNL_MSG_CT_GET_UNCONFIRMED,
};

int table_list(struct table_call *call)
{
	struct table *table = table_of(call);
	uint8_t memory[64];
	struct nlmsghdr *message;

	if (call->kind >= sizeof(lists) / sizeof(lists[0]))
		return -EINVAL;
	message = message_begin(table, memory, type_in(call, lists[call->kind]), NLM_F_DUMP,
				(uint8_t)call->form);

	ahead_begin(&table->ahead, table->fd);
	table->at = table->filled = 0;
	return message_send(table, message, message->nlmsg_len);
}

/* What was not read yet moves to the front: rows name their messages from there. */
static void begin_rows(struct table *table, struct table_call *call)
{
	memmove(table->messages, table->messages + table->at, table->filled - table->at);
	table->filled -= table->at;
	table->at = 0;
	call->count = call->is_done = call->overruns = call->is_woken = call->passed_over = 0;
}

/* 0, or what the kernel refuses with. */
static int error_of(const struct nlmsghdr *message)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*error))
		return -EBADMSG;
	return error->error > 0 ? -error->error : error->error;
}

int message_read(struct table_row *row, const struct nlmsghdr *message)
{
	return is_expectation(message) ? expect_read((struct expect_row *)row, message)
				       : row_read(row, message);
}

static int read_rows(struct table *table, struct table_call *call)
{
	while (table->at < table->filled && call->count < call->capacity && !call->is_done) {
		const struct nlmsghdr *message = (const void *)(table->messages + table->at);
		struct table_row *row = &rows_of(call)[call->count];
		const size_t left = table->filled - table->at;

		if (!mnl_nlmsg_ok(message, (int)left)) {
			call->passed_over++;
			table->at = table->filled;
			break;
		}
		if (message->nlmsg_type == NLMSG_ERROR && error_of(message))
			return error_of(message);
		if (message->nlmsg_type == NLMSG_DONE) {
			call->is_done = 1;
		} else if (message->nlmsg_type >= NLMSG_MIN_TYPE && !message_read(row, message)) {
			row->message = (uint32_t)table->at;
			call->count++;
		} else if (message->nlmsg_type >= NLMSG_MIN_TYPE) {
			call->passed_over++;
		}
		table->at += MNL_ALIGN(message->nlmsg_len) < left ? MNL_ALIGN(message->nlmsg_len)
								  : left;
	}
	return 0;
}

int table_next(struct table_call *call)
{
	struct table *table = table_of(call);
	int error;

	begin_rows(table, call);
	for (;;) {
		int bytes;

		error = read_rows(table, call);
		if (error < 0 || call->is_done || call->count == call->capacity)
			break;
		bytes = ahead_take(&table->ahead, table->messages + table->filled,
				   MESSAGES_BYTES - table->filled);
		if (bytes <= 0) {
			error = bytes;
			break;
		}
		table->filled += (size_t)bytes;
	}
	if (error == 0 && !call->is_done)
		ahead_start(&table->ahead);
	for (uint32_t i = 0; i < call->count; i++)
		rows_of(call)[i].news = ROW_LISTED;
	return error < 0 ? error : 0;
}

/* Takes all that is there; news that the kernel threw away are an error that comes once. */
static int take_news(struct table *table, struct table_call *call)
{
	for (;;) {
		int bytes, error = read_rows(table, call);

		if (error < 0 || call->count == call->capacity || !has_room(table))
			return error;
		bytes = datagram_take(table, MSG_DONTWAIT);
		if (bytes == -ENOBUFS)
			call->overruns++;
		else if (bytes <= 0)
			return bytes;
	}
}

int table_wait(struct table_call *call)
{
	struct table *table = table_of(call);
	struct pollfd polled[] = { { .fd = table->fd, .events = POLLIN },
				   { .fd = table->wake_fd, .events = POLLIN } };
	uint64_t woken;

	begin_rows(table, call);
	if (table->filled == 0 && poll(polled, 2, (int)call->timeout_ms) < 0 && errno != EINTR)
		return -errno;
	call->is_woken = read(table->wake_fd, &woken, sizeof(woken)) > 0;
	return take_news(table, call);
}

int table_wake(struct table_call *call)
{
	const uint64_t one = 1;

	return write(table_of(call)->wake_fd, &one, sizeof(one)) < 0 ? -errno : 0;
}

static const struct nlmsghdr *message_of(const struct table *table, const struct table_row *row)
{
	const size_t left = row->message < table->filled ? table->filled - row->message : 0;
	const struct nlmsghdr *message = (const void *)(table->messages + row->message);

	return left >= sizeof(*message) && mnl_nlmsg_ok(message, (int)left) ? message : NULL;
}

int table_lines(struct table_call *call)
{
	const struct table *table = table_of(call);
	const uint32_t *chosen = (const uint32_t *)(uintptr_t)call->chosen;
	char *text = (char *)(uintptr_t)call->text;
	const uint64_t now_s = (uint64_t)time(NULL);
	uint32_t done = 0;

	call->bytes = 0;
	for (; done < call->count && call->room - call->bytes >= LINE_BYTES; done++) {
		const struct table_row *row = &rows_of(call)[chosen ? chosen[done] : done];
		const struct nlmsghdr *message =
			row->message == NO_MESSAGE ? NULL : message_of(table, row);
		int bytes = message && is_expectation(message)
				    ? expect_line(text + call->bytes, message, call->form, row->news)
				    : line_write(text + call->bytes, row, message, call->form,
						 now_s);

		if (bytes < 0)
			return bytes;
		call->bytes += (uint32_t)bytes;
	}
	return (int)done;
}

int table_feed(struct table_call *call, const void *messages, uint32_t bytes)
{
	struct table *table = table_of(call);
	int error;

	if (bytes > MESSAGES_BYTES)
		return -EMSGSIZE;
	memcpy(table->messages, messages, bytes);
	table->at = 0;
	table->filled = bytes;
	begin_rows(table, call);
	error = read_rows(table, call);
	table->at = table->filled;
	return error;
}
