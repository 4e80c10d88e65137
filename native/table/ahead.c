// SPDX-License-Identifier: GPL-2.0
#include "ahead.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <string.h>

#include "socket.h"

static bool has_end(const uint8_t *messages, int bytes)
{
	const struct nlmsghdr *message = (const void *)messages;

	for (; mnl_nlmsg_ok(message, bytes); message = mnl_nlmsg_next(message, &bytes))
		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
			return true;
	return false;
}

static void *read_ahead(void *argument)
{
	struct ahead *ahead = argument;

	while (!ahead->is_ended && AHEAD_BYTES - ahead->filled >= DATAGRAM_BYTES) {
		uint8_t *to = ahead->messages + ahead->filled;
		int bytes = datagram_read(ahead->fd, to, AHEAD_BYTES - ahead->filled, 0);

		if (bytes < 0) {
			ahead->error = bytes;
			ahead->is_ended = true;
			break;
		}
		ahead->filled += (size_t)bytes;
		ahead->is_ended = has_end(to, bytes);
	}
	return NULL;
}

static void join(struct ahead *ahead)
{
	if (ahead->is_running)
		pthread_join(ahead->thread, NULL);
	ahead->is_running = false;
}

void ahead_begin(struct ahead *ahead, int fd)
{
	join(ahead);
	ahead->is_ended = false;
	ahead->fd = fd;
	ahead->error = 0;
	ahead->filled = 0;
}

void ahead_start(struct ahead *ahead)
{
	if (ahead->is_running || ahead->is_ended || ahead->filled)
		return;
	/* Without a thread it is read when it is taken. */
	ahead->is_running = pthread_create(&ahead->thread, NULL, read_ahead, ahead) == 0;
}

int ahead_take(struct ahead *ahead, uint8_t *to, size_t room)
{
	const bool was_running = ahead->is_running;
	int bytes;

	join(ahead);
	if (!ahead->filled && !was_running && !ahead->is_ended)
		read_ahead(ahead);
	if (ahead->filled > room)
		return 0;
	if (!ahead->filled)
		return ahead->error ? ahead->error : -EBADMSG;
	memcpy(to, ahead->messages, ahead->filled);
	bytes = (int)ahead->filled;
	ahead->filled = 0;
	return bytes;
}
