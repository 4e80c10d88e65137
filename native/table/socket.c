// SPDX-License-Identifier: GPL-2.0
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct job {
	const char *netns;
	int result;
};

static int enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return -errno;
	result = setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
	close(fd);
	return result;
}

static void *run(void *argument)
{
	struct job *job = argument;

	job->result = job->netns ? enter(job->netns) : 0;
	if (job->result < 0)
		return NULL;
	job->result = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (job->result < 0)
		job->result = -errno;
	return NULL;
}

/* A socket stays in the namespace it was made in; so the thread that enters ends here. */
int socket_open(const char *netns)
{
	struct job job = { .netns = netns };
	pthread_t thread;
	int error = pthread_create(&thread, NULL, run, &job);

	if (error)
		return -error;
	pthread_join(thread, NULL);
	return job.result;
}

struct nlmsghdr *message_begin(struct table *table, void *memory, uint16_t type, uint16_t flags,
			       uint8_t family)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(memory);
	struct nfgenmsg *header;

	message->nlmsg_type = type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	message->nlmsg_seq = ++table->sequence;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->nfgen_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
	header->version = 1; /* flushing looks at the family only then */
	return message;
}

int message_send(struct table *table, const void *messages, size_t bytes)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	if (sendto(table->fd, messages, bytes, 0, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		return -errno;
	return 0;
}

bool has_room(const struct table *table)
{
	return MESSAGES_BYTES - table->filled >= DATAGRAM_BYTES;
}

int datagram_read(int fd, void *to, size_t room, int flags)
{
	struct sockaddr_nl from = {};
	ssize_t bytes;

	/* What another process sent, as root may, is not the kernel's word. */
	do {
		socklen_t length = sizeof(from);

		bytes = recvfrom(fd, to, room, flags | MSG_TRUNC, (struct sockaddr *)&from,
				 &length);
	} while (bytes < 0 ? errno == EINTR : from.nl_pid != 0);
	if (bytes < 0)
		return errno == EAGAIN ? 0 : -errno;
	return (size_t)bytes > room ? -EMSGSIZE : (int)bytes;
}

int datagram_take(struct table *table, int flags)
{
	int bytes = datagram_read(table->fd, table->messages + table->filled,
				  MESSAGES_BYTES - table->filled, flags);

	if (bytes > 0)
		table->filled += (size_t)bytes;
	return bytes;
}
