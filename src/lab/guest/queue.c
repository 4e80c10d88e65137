/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A reader of one NFQUEUE, for scenarios: every packet gets the same verdict,
 * a while after it came. Returns when it listens, and goes on in the background
 * until it is killed. Messages: linux/netfilter/nfnetlink_queue.h.
 *
 *   lab-queue NUMBER accept|drop|repeat|hold DELAY_MS [CPU]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HOLD -1

struct message {
	struct nlmsghdr head;
	struct nfgenmsg family;
	char attributes[128];
};

static void fail(const char *what)
{
	fprintf(stderr, "lab-queue: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct message begin(uint16_t type, uint16_t flags, uint16_t queue)
{
	struct message message = {
		.head.nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)),
		.head.nlmsg_type = (NFNL_SUBSYS_QUEUE << 8) | type,
		.head.nlmsg_flags = NLM_F_REQUEST | flags,
		.family.version = NFNETLINK_V0,
		.family.res_id = htons(queue),
	};

	return message;
}

static void add(struct message *message, uint16_t type, const void *value, uint16_t bytes)
{
	struct nlattr *attribute = (void *)((char *)message + NLMSG_ALIGN(message->head.nlmsg_len));

	attribute->nla_type = type;
	attribute->nla_len = NLA_HDRLEN + bytes;
	memcpy((char *)attribute + NLA_HDRLEN, value, bytes);
	message->head.nlmsg_len =
		NLMSG_ALIGN(message->head.nlmsg_len) + NLA_ALIGN(attribute->nla_len);
}

static void transmit(int socket, const struct message *message)
{
	if (send(socket, message, message->head.nlmsg_len, 0) < 0)
		fail("send");
}

/* Asks for an answer, and fails with what the kernel says. */
static void configure(int socket, struct message *message)
{
	char buffer[4096];
	struct nlmsghdr *answer = (void *)buffer;

	transmit(socket, message);
	if (recv(socket, buffer, sizeof(buffer), 0) < 0)
		fail("recv");
	errno = -((struct nlmsgerr *)NLMSG_DATA(answer))->error;
	if (answer->nlmsg_type != NLMSG_ERROR || errno)
		fail("configure");
}

static int listen_to(uint16_t queue)
{
	const struct nfqnl_msg_config_cmd bind = { .command = NFQNL_CFG_CMD_BIND, .pf = htons(AF_UNSPEC) };
	const struct nfqnl_msg_config_params params = { .copy_mode = NFQNL_COPY_META };
	struct message message = begin(NFQNL_MSG_CONFIG, NLM_F_ACK, queue);
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (netlink < 0)
		fail("socket");
	add(&message, NFQA_CFG_CMD, &bind, sizeof(bind));
	configure(netlink, &message);
	message = begin(NFQNL_MSG_CONFIG, NLM_F_ACK, queue);
	add(&message, NFQA_CFG_PARAMS, &params, sizeof(params));
	configure(netlink, &message);
	return netlink;
}

/* The packet's number in the queue, in network byte order; 0 where the message has none. */
static uint32_t packet_in(const struct nlmsghdr *head)
{
	const int family = NLMSG_ALIGN(sizeof(struct nfgenmsg));
	int left = (int)head->nlmsg_len - NLMSG_LENGTH(0) - family;
	const struct nlattr *attribute = (void *)((char *)NLMSG_DATA(head) + family);

	while (left >= NLA_HDRLEN && attribute->nla_len >= NLA_HDRLEN) {
		if ((attribute->nla_type & NLA_TYPE_MASK) == NFQA_PACKET_HDR)
			return ((struct nfqnl_msg_packet_hdr *)((char *)attribute + NLA_HDRLEN))->packet_id;
		left -= NLA_ALIGN(attribute->nla_len);
		attribute = (void *)((char *)attribute + NLA_ALIGN(attribute->nla_len));
	}
	return 0;
}

static void decide(int netlink, uint16_t queue, uint32_t packet, int verdict, long delay_ms)
{
	const struct nfqnl_msg_verdict_hdr header = { htonl((uint32_t)verdict), packet };
	const struct timespec delay = { delay_ms / 1000, delay_ms % 1000 * 1000000 };
	struct message message = begin(NFQNL_MSG_VERDICT, 0, queue);

	if (verdict == HOLD || !packet)
		return;
	nanosleep(&delay, NULL);
	add(&message, NFQA_VERDICT_HDR, &header, sizeof(header));
	transmit(netlink, &message);
}

static int verdict_named(const char *name)
{
	if (!strcmp(name, "accept"))
		return NF_ACCEPT;
	if (!strcmp(name, "drop"))
		return NF_DROP;
	if (!strcmp(name, "repeat"))
		return NF_REPEAT;
	return HOLD;
}

int main(int count, char **words)
{
	static char buffer[1 << 16];
	cpu_set_t cpus;
	int netlink;

	if (count < 4)
		return 2;
	if (count > 4) {
		CPU_ZERO(&cpus);
		CPU_SET(atoi(words[4]), &cpus);
		if (sched_setaffinity(0, sizeof(cpus), &cpus))
			fail("sched_setaffinity");
	}
	netlink = listen_to((uint16_t)atoi(words[1]));
	if (daemon(1, 0))
		fail("daemon");
	for (;;) {
		ssize_t got = recv(netlink, buffer, sizeof(buffer), 0);

		if (got < 0)
			return 1;
		for (struct nlmsghdr *head = (void *)buffer; NLMSG_OK(head, got); head = NLMSG_NEXT(head, got))
			decide(netlink, (uint16_t)atoi(words[1]), packet_in(head), verdict_named(words[2]),
			       atol(words[3]));
	}
}
