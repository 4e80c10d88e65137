// SPDX-License-Identifier: GPL-2.0
#include "legacy_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIES 8

/* One layout, and one pair of option numbers, serve both families. */
_Static_assert(sizeof(struct ipt_getinfo) == LEGACY_INFO_BYTES, "struct ipt_getinfo");
_Static_assert(sizeof(struct ip6t_getinfo) == LEGACY_INFO_BYTES, "struct ip6t_getinfo");
_Static_assert(sizeof(struct ipt_get_entries) == sizeof(struct ip6t_get_entries), "header");
_Static_assert(IPT_SO_GET_INFO == IP6T_SO_GET_INFO, "option");
_Static_assert(IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES, "option");

/* src/libbpf/legacy-table.ts writes it by offset. */
_Static_assert(sizeof(struct legacy_table_call) == 72, "layout of legacy_table_call");

struct job {
	const struct legacy_table_call *call;
	int result;
};

static void *address(uint64_t number)
{
	return (void *)(uintptr_t)number;
}

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

/* The kernel copies them only if they have the length that the info said. */
static int read_entries(int fd, int level, const struct legacy_table_call *call, uint32_t size)
{
	socklen_t length = (socklen_t)(sizeof(struct ipt_get_entries) + size);
	struct ipt_get_entries *get = calloc(1, length);
	int result = (int)size;

	if (!get)
		return -ENOMEM;
	memcpy(get->name, call->table, sizeof(get->name));
	get->size = size;
	if (getsockopt(fd, level, IPT_SO_GET_ENTRIES, get, &length) < 0)
		result = -errno;
	else
		memcpy(address(call->entries), get->entrytable, size);
	free(get);
	return result;
}

static int read_once(int fd, const struct legacy_table_call *call)
{
	int level = call->family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
	struct ipt_getinfo info = {0};
	socklen_t length = sizeof(info);

	memcpy(info.name, call->table, sizeof(info.name));
	if (getsockopt(fd, level, IPT_SO_GET_INFO, &info, &length) < 0)
		return -errno;
	memcpy(address(call->info), &info, sizeof(info));
	if (info.size > call->capacity)
		return -ENOBUFS;
	return read_entries(fd, level, call, info.size);
}

static int read_table(const struct legacy_table_call *call)
{
	int result = call->netns ? enter(address(call->netns)) : 0;
	int fd;

	if (result < 0)
		return result;
	fd = socket((int)call->family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0)
		return -errno;
	for (int try = 0; try < TRIES; try++) {
		result = read_once(fd, call);
		if (result != -EAGAIN)
			break;
	}
	close(fd);
	return result;
}

static void *run(void *argument)
{
	struct job *job = argument;

	job->result = read_table(job->call);
	return NULL;
}

int legacy_table_read(const struct legacy_table_call *call)
{
	struct job job = {.call = call};
	pthread_t thread;
	int error;

	if (call->family != AF_INET && call->family != AF_INET6)
		return -EAFNOSUPPORT;
	error = pthread_create(&thread, NULL, run, &job);
	if (error)
		return -error;
	pthread_join(thread, NULL);
	return job.result;
}
