/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libbpf's messages, kept as text. libbpf calls back from C, with a va_list,
 * maybe while a Node call is running: the callback must not be a JavaScript
 * function.
 */
#ifndef CONNTRAIL_LOG_H
#define CONNTRAIL_LOG_H

#include <stdarg.h>
#include <stdint.h>

#pragma GCC visibility push(default)

/* A libbpf_print_fn_t. Keeps warnings and information, not debug messages. */
int libbpf_log(int level, const char *format, va_list arguments);

/*
 * Copies the last messages, at most capacity - 1 bytes, and ends them with NUL.
 * Returns the bytes copied. A long log keeps its end: that is where the
 * verifier says what it refused.
 */
uint64_t log_read(char *dst, uint64_t capacity);

void log_clear(void);

#pragma GCC visibility pop

#endif
