// SPDX-License-Identifier: GPL-2.0
#include "check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void check_equal(const char *what, const char *file, int line, uint64_t found, uint64_t wanted)
{
	if (found == wanted)
		return;
	fprintf(stderr, "%s:%d: %s is %" PRIu64 ", needs %" PRIu64 "\n", file, line, what, found,
		wanted);
	exit(1);
}

static bool is_named(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(name, argv[i]))
			return true;
	return argc == 1;
}

int run_tests(const struct test *tests, int argc, char **argv)
{
	const bool only_list = argc == 2 && !strcmp(argv[1], "--list");
	int count = 0;

	for (const struct test *test = tests; test->name; test++) {
		if (!only_list && !is_named(test->name, argc, argv))
			continue;
		puts(test->name);
		fflush(stdout);
		if (!only_list)
			test->run();
		count++;
	}
	return count ? 0 : 2;
}
