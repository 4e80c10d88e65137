/*
 * flood one|flows COUNT ADDRESS PORT [first=N] [batch=N] [pps=N]
 *
 * Sends COUNT small UDP packets: all of one flow, or each of a flow of its own,
 * from source ports first, first + 1 and so on; beyond the last of them the next
 * flows go to the next higher address. `batch` sends so many by one call
 * (one flow only), `pps` holds back. Prints `COUNT packets in MICROSECONDS us`.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD_BYTES = 32, MOST_BATCH = 64, FIRST_PORT = 1024, PORTS = 65536 - FIRST_PORT };

struct options {
	long first;
	long batch;
	long pps;
};

static char payload[PAYLOAD_BYTES];

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void fail(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void hold_back(int64_t start_us, long sent, long pps)
{
	int64_t due_us = start_us + sent * 1000000LL / pps;
	int64_t early_us = due_us - now_us();

	if (early_us > 0)
		usleep(early_us);
}

static void send_all(int fd, struct mmsghdr *messages, long count)
{
	while (count > 0) {
		int sent = sendmmsg(fd, messages, count, 0);

		if (sent < 0)
			fail("send");
		count -= sent;
	}
}

static int open_socket(const struct sockaddr_in *first, long number)
{
	long place = number - FIRST_PORT;
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct sockaddr_in to = *first;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	from.sin_port = htons(FIRST_PORT + place % PORTS);
	to.sin_addr.s_addr = htonl(ntohl(to.sin_addr.s_addr) + place / PORTS);
	if (fd < 0)
		fail("socket");
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)))
		fail("bind");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		fail("connect");
	return fd;
}

static void one_flow(const struct sockaddr_in *to, long count, const struct options *options)
{
	struct iovec part = { payload, sizeof(payload) };
	struct mmsghdr messages[MOST_BATCH] = { 0 };
	int fd = open_socket(to, options->first);
	int64_t start_us = now_us();

	for (int i = 0; i < MOST_BATCH; i++) {
		messages[i].msg_hdr.msg_iov = &part;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	for (long sent = 0; sent < count;) {
		long left = count - sent;
		long batch = left < options->batch ? left : options->batch;

		send_all(fd, messages, batch);
		sent += batch;
		if (options->pps)
			hold_back(start_us, sent, options->pps);
	}
	close(fd);
}

static void many_flows(const struct sockaddr_in *to, long count, const struct options *options)
{
	int64_t start_us = now_us();

	for (long sent = 0; sent < count; sent++) {
		int fd = open_socket(to, options->first + sent);

		if (send(fd, payload, sizeof(payload), 0) < 0)
			fail("send");
		close(fd);
		if (options->pps)
			hold_back(start_us, sent + 1, options->pps);
	}
}

static bool read_option(struct options *options, const char *word)
{
	return sscanf(word, "first=%ld", &options->first) == 1 ||
	       sscanf(word, "batch=%ld", &options->batch) == 1 ||
	       sscanf(word, "pps=%ld", &options->pps) == 1;
}

static int usage(void)
{
	fprintf(stderr, "usage: flood one|flows COUNT ADDRESS PORT [first=N] [batch=N] [pps=N]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct options options = { .first = FIRST_PORT, .batch = 1 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	bool is_one = argc > 1 && strcmp(argv[1], "one") == 0;
	int64_t start_us;
	long count;

	if (argc < 5 || (!is_one && strcmp(argv[1], "flows") != 0))
		return usage();
	for (int i = 5; i < argc; i++)
		if (!read_option(&options, argv[i]))
			return usage();
	count = atol(argv[2]);
	to.sin_port = htons(atoi(argv[4]));
	if (inet_pton(AF_INET, argv[3], &to.sin_addr) != 1 || options.batch < 1 ||
	    options.batch > MOST_BATCH || options.first < FIRST_PORT)
		return usage();
	start_us = now_us();
	(is_one ? one_flow : many_flows)(&to, count, &options);
	printf("%ld packets in %lld us\n", count, (long long)(now_us() - start_us));
	return 0;
}
