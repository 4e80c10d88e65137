// SPDX-License-Identifier: GPL-2.0
#include "log_test.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "log.h"

static char text[70000];

__attribute__((format(printf, 2, 3))) static int say(int level, const char *format, ...)
{
	va_list arguments;
	int bytes;

	va_start(arguments, format);
	bytes = libbpf_log(level, format, arguments);
	va_end(arguments);
	return bytes;
}

void test_log_order(void)
{
	log_clear();
	EQUAL((uint64_t)say(0, "one %d, ", 11), 8);
	EQUAL((uint64_t)say(1, "two %s", "22"), 6);
	EQUAL((uint64_t)say(2, "debug"), 0);
	EQUAL(log_read(text, sizeof(text)), 14);
	HOLDS(!strcmp(text, "one 11, two 22"));
	EQUAL(log_read(text, 7), 6);
	HOLDS(!strcmp(text, "two 22"));
	log_clear();
	EQUAL(log_read(text, sizeof(text)), 0);
}

void test_log_end(void)
{
	log_clear();
	for (int i = 0; i < 20000; i++)
		say(0, "line %d\n", i);
	EQUAL(log_read(text, sizeof(text)), 65536);
	HOLDS(!strcmp(text + 65536 - 11, "line 19999\n"));
	say(0, "%0100000d END", 7); /* longer than all that is kept */
	EQUAL(log_read(text, sizeof(text)), 65536);
	HOLDS(!strcmp(text + 65536 - 5, "7 END"));
	EQUAL(text[0], '0');
}
