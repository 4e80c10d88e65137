/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A listing read ahead: while somebody works on rows, a thread takes the next
 * datagrams, in which the kernel walks its table. It waits for nobody: of a
 * listing that was asked for there is always a next datagram, up to the last.
 */
#ifndef CONNTRAIL_TABLE_AHEAD_H
#define CONNTRAIL_TABLE_AHEAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AHEAD_BYTES (1u << 20)

struct ahead {
	pthread_t thread;
	bool is_running; /* everything below is the thread's then */
	int fd;
	int error;
	size_t filled;
	bool is_ended; /* the last datagram of the listing, or what refuses it, was read */
	_Alignas(16) uint8_t messages[AHEAD_BYTES];
};

/* Forgets what was read, of a listing that nobody reads on. */
void ahead_begin(struct ahead *ahead, int fd);
/* Goes on reading in a thread; does nothing where there is something that was not taken. */
void ahead_start(struct ahead *ahead);
/*
 * What was read, or what can be read now: its bytes, at most `room`, appended
 * to `to`. 0: they do not fit. A negative errno: the socket's, or -EBADMSG where
 * the listing had ended before.
 */
int ahead_take(struct ahead *ahead, uint8_t *to, size_t room);

#endif
