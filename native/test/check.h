/* SPDX-License-Identifier: GPL-2.0 */
/* The least that a test in C needs. */
#ifndef CONNTRAIL_CHECK_H
#define CONNTRAIL_CHECK_H

#include <inttypes.h>
#include <stdint.h>

struct test {
	const char *name;
	void (*run)(void);
};

/* `program --list` prints the names; `program NAME...` runs those; none: all. */
int run_tests(const struct test *tests, int argc, char **argv);

void check_equal(const char *what, const char *file, int line, uint64_t found, uint64_t wanted);

#define EQUAL(found, wanted) check_equal(#found, __FILE__, __LINE__, (found), (wanted))
#define HOLDS(condition)     check_equal(#condition, __FILE__, __LINE__, !!(condition), 1)

#endif
