// SPDX-License-Identifier: GPL-2.0
#include "log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_BYTES   (64u << 10)
#define LEVEL_DEBUG 2 /* enum libbpf_print_level */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char kept[LOG_BYTES];
static size_t kept_bytes;

static void keep(const char *text, size_t bytes)
{
	size_t room;

	if (bytes > LOG_BYTES) {
		text += bytes - LOG_BYTES;
		bytes = LOG_BYTES;
	}
	pthread_mutex_lock(&lock);
	room = LOG_BYTES - kept_bytes;
	if (bytes > room) {
		memmove(kept, kept + (bytes - room), kept_bytes - (bytes - room));
		kept_bytes -= bytes - room;
	}
	memcpy(kept + kept_bytes, text, bytes);
	kept_bytes += bytes;
	pthread_mutex_unlock(&lock);
}

int libbpf_log(int level, const char *format, va_list arguments)
{
	va_list again;
	char *text;
	int bytes;

	if (level >= LEVEL_DEBUG)
		return 0;
	va_copy(again, arguments);
	bytes = vsnprintf(NULL, 0, format, again);
	va_end(again);
	text = bytes < 0 ? NULL : malloc((size_t)bytes + 1);
	if (!text)
		return -1;
	vsnprintf(text, (size_t)bytes + 1, format, arguments);
	keep(text, (size_t)bytes);
	free(text);
	return bytes;
}

uint64_t log_read(char *dst, uint64_t capacity)
{
	size_t bytes;

	if (!capacity)
		return 0;
	pthread_mutex_lock(&lock);
	bytes = kept_bytes < capacity - 1 ? kept_bytes : capacity - 1;
	memcpy(dst, kept + (kept_bytes - bytes), bytes);
	pthread_mutex_unlock(&lock);
	dst[bytes] = '\0';
	return bytes;
}

void log_clear(void)
{
	pthread_mutex_lock(&lock);
	kept_bytes = 0;
	pthread_mutex_unlock(&lock);
}
