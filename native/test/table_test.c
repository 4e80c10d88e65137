// SPDX-License-Identifier: GPL-2.0
/* What becomes of messages: rows, lines, and nothing worse where they are torn. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "expect_test.h"
#include "socket.h"
#include "table_messages.h"

#define ROUNDS 20000
#define ROWS   64
#define FORMS  (LINE_EXTENDED | LINE_ID | LINE_TIMES | LINE_NEWS | LINE_LABELS)

static struct table_row rows[ROWS];
static struct table_call call;
static char text[ROWS * LINE_BYTES];

/* Without a socket: messages are fed. */
static void begin(void)
{
	struct table *table = calloc(1, sizeof(*table));

	HOLDS(table);
	table->fd = table->wake_fd = -1;
	call = (struct table_call){ .table = (uintptr_t)table,
				    .rows = (uintptr_t)rows,
				    .text = (uintptr_t)text,
				    .capacity = ROWS,
				    .room = sizeof(text) };
}

static void end(void)
{
	free(table_of(&call));
}

static void same_line(const void *message, uint32_t form)
{
	char ours[LINE_BYTES], theirs[LINE_BYTES];
	struct table_row row;
	int own, library;

	EQUAL(row_read(&row, message), 0);
	own = line_write(ours, &row, message, form, 1800000000);
	library = line_write(theirs, &row, message, form | LINE_LIBRARY, 1800000000);
	HOLDS(own > 0 && library > 0);
	if (own == library && !memcmp(ours, theirs, (size_t)own))
		return;
	fprintf(stderr, "ours:    %.*slibrary: %.*s", own, ours, library, theirs);
	exit(1);
}

/* Each field and form, at random: byte for byte what the library writes. */
static void test_lines(void)
{
	_Alignas(8) uint8_t memory[1024];
	uint32_t seed = 1;

	for (int i = 0; i < ROUNDS; i++) {
		random_message(memory, &seed);
		same_line(memory, next_random(&seed) & FORMS);
	}
}

static void test_rows(void)
{
	_Alignas(8) uint8_t memory[8192];
	uint32_t seed = 7, bytes = 0;
	int count = 0;

	begin();
	for (; count < 6; count++)
		bytes += random_message(memory + bytes, &seed);
	EQUAL(table_feed(&call, memory, bytes), 0);
	EQUAL(call.count, 6);
	EQUAL(call.passed_over, 0);
	EQUAL(rows[0].message, 0);
	HOLDS(rows[1].message > 0);
	call.form = LINE_EXTENDED;
	EQUAL(table_lines(&call), 6);
	HOLDS(call.bytes > 6 * 60);
	/* What does not fit is left for the next call. */
	call.count = 6;
	call.room = 2 * LINE_BYTES;
	HOLDS(table_lines(&call) < 6 || call.bytes <= LINE_BYTES);
	end();
}

/* Cut anywhere: fewer rows, and no byte beyond the end is read. */
static void test_torn(void)
{
	_Alignas(8) uint8_t whole[1024];
	uint32_t seed = 3;

	begin();
	for (int i = 0; i < 400; i++) {
		uint32_t bytes = random_message(whole, &seed);
		uint32_t cut = next_random(&seed) % bytes;
		/* Of its own size, so that a sanitizer sees what is read behind it. */
		uint8_t *part = malloc(cut ? cut : 1);

		memcpy(part, whole, cut);
		EQUAL(table_feed(&call, part, cut), 0);
		EQUAL(call.count, 0);
		free(part);
	}
	end();
}

/* A row that names its message, in memory of exactly that size. */
static void read_hostile(const uint8_t *from, uint32_t bytes, uint32_t form)
{
	uint8_t *memory = malloc(bytes);
	struct table_row row;
	char line[LINE_BYTES];

	memcpy(memory, from, bytes);
	((struct nlmsghdr *)memory)->nlmsg_len = bytes;
	if (row_read(&row, (const void *)memory) == 0)
		HOLDS(line_write(line, &row, (const void *)memory, form, 1800000000) != 0);
	free(memory);
}

static void test_hostile(void)
{
	_Alignas(8) uint8_t memory[1024];
	uint32_t seed = 11;

	for (int i = 0; i < ROUNDS; i++) {
		const uint32_t bytes = random_message(memory, &seed);
		const uint32_t changes = 1 + next_random(&seed) % 8;
		const uint32_t header = MNL_NLMSG_HDRLEN + 4;

		for (uint32_t change = 0; change < changes; change++)
			memory[header + next_random(&seed) % (bytes - header)] =
				(uint8_t)next_random(&seed);
		read_hostile(memory, header + next_random(&seed) % (bytes - header + 1),
			     FORMS);
	}
}

#define LISTED	 20000
#define DATAGRAM 4096

static void send_datagram(int fd, const void *bytes, size_t length)
{
	EQUAL((uint64_t)send(fd, bytes, length, 0), length);
}

/* As the kernel lists: datagrams of several messages, each numbered; DONE in the last one. */
static void *send_listing(void *argument)
{
	_Alignas(8) static uint8_t memory[DATAGRAM + 1024];
	const int fd = *(const int *)argument;
	struct nlmsghdr *done;
	uint32_t bytes = 0, seed = 5;

	for (uint32_t i = 0; i < LISTED; i++) {
		random_message(memory + bytes, &seed);
		((struct nlmsghdr *)(memory + bytes))->nlmsg_seq = i;
		bytes += ((struct nlmsghdr *)(memory + bytes))->nlmsg_len;
		if (bytes < DATAGRAM)
			continue;
		send_datagram(fd, memory, bytes);
		bytes = 0;
	}
	done = mnl_nlmsg_put_header(memory + bytes);
	done->nlmsg_type = NLMSG_DONE;
	send_datagram(fd, memory, bytes + done->nlmsg_len);
	return NULL;
}

/* Read ahead by a thread or not: each entry once, in order, with its own message. */
static void test_listing(void)
{
	uint32_t seen = 0;
	pthread_t sender;
	int fds[2];

	begin();
	EQUAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	table_of(&call)->fd = fds[0];
	ahead_begin(&table_of(&call)->ahead, fds[0]);
	EQUAL(pthread_create(&sender, NULL, send_listing, &fds[1]), 0);
	for (call.is_done = 0; !call.is_done;) {
		EQUAL(table_next(&call), 0);
		for (uint32_t i = 0; i < call.count; i++) {
			const uint8_t *message = table_of(&call)->messages + rows[i].message;

			EQUAL(((const struct nlmsghdr *)message)->nlmsg_seq, seen++);
		}
	}
	EQUAL(seen, LISTED);
	/* Nothing more is to come: no wait without an end. */
	EQUAL((uint64_t)-table_next(&call), EBADMSG);
	EQUAL(pthread_join(sender, NULL), 0);
	close(fds[0]);
	close(fds[1]);
	end();
}

static void test_refused(void)
{
	_Alignas(8) uint8_t memory[64] = {};
	struct nlmsghdr *message = mnl_nlmsg_put_header(memory);
	struct nlmsgerr *error;

	begin();
	message->nlmsg_type = NLMSG_ERROR;
	error = mnl_nlmsg_put_extra_header(message, sizeof(*error));
	error->error = -EPERM;
	EQUAL((uint64_t)-table_feed(&call, memory, message->nlmsg_len), EPERM);
	/* An answer that is too short to say what it answers. */
	message->nlmsg_len = MNL_NLMSG_HDRLEN + 2;
	EQUAL((uint64_t)-table_feed(&call, memory, message->nlmsg_len), EBADMSG);
	/* Of another subsystem. */
	message->nlmsg_type = 10 << 8;
	EQUAL(table_feed(&call, memory, message->nlmsg_len), 0);
	EQUAL(call.count, 0);
	EQUAL(call.passed_over, 1);
	end();
}

/* Bit 0 and bit 15 have names, bit 126 has none. */
static void name_labels(void)
{
	static char path[] = "/tmp/labels-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	HOLDS(file);
	fputs("0 first\n1 second\n15 other\n", file);
	fclose(file);
	line_labels_path = path;
	/* Both read it now, while it is there. */
	HOLDS(line_labels() == 0);
	unlink(path);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{ "writes the lines that the library writes", test_lines },
		{ "reads messages one behind the other", test_rows },
		{ "reads nothing of a torn message", test_torn },
		{ "stays within any bytes", test_hostile },
		{ "lists each entry once while it reads ahead", test_listing },
		{ "tells a refusal from an entry", test_refused },
		{ "builds the message of an expectation that it read", test_expect_built },
		{ "stays within any bytes of an expectation", test_expect_hostile },
		{ NULL, NULL },
	};

	name_labels();
	return run_tests(tests, argc, argv);
}
