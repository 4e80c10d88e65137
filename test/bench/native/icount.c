/*
 * A QEMU plugin that counts what a guest executes: instructions of its kernel
 * and of its programs apart. At each mark (mark.h) it appends a line to the
 * file given as `out=PATH`:
 *
 *   mark NUMBER user COUNT kernel COUNT
 *
 * With `blocks=PATH` it also writes, at mark NUMBER, PATH.NUMBER: for every
 * block of code that ran a line `ADDRESS INSTRUCTIONS` with all it executed so
 * far, which tells what the counts are made of.
 *
 * Exact with one CPU: the counters are shared and not atomic. x86-64 only: the
 * upper half of the addresses is the kernel's.
 *
 * Debian packages no header for plugins. What is declared here is version 1 of
 * the interface (QEMU 4.2 to 8.2); QEMU 9.0 and newer refuse to load it and say
 * which version they need.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mark.h"

#define EXPORTED __attribute__((visibility("default")))

enum { WITHOUT_REGISTERS = 0, ADD_U64 = 0 };

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

typedef uint64_t plugin_id;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
					   void (*call)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, int op,
					      void *counter, uint64_t add);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*call)(unsigned int cpu, void *data),
					    int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t at);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

EXPORTED int qemu_plugin_version = 1;

static struct {
	uint64_t user;
	uint64_t kernel;
} executed;

static FILE *out;

/* A block that is translated again, because it was thrown away meanwhile, has a second one. */
struct block {
	struct block *next;
	uint64_t address;
	uint64_t executed;
};

static const char *blocks_path;
static struct block *blocks;

static void write_blocks(unsigned long number)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s.%lu", blocks_path, number);
	file = fopen(path, "w");
	if (!file)
		return;
	for (struct block *block = blocks; block; block = block->next)
		if (block->executed)
			fprintf(file, "%lx %lu\n", (unsigned long)block->address,
				(unsigned long)block->executed);
	fclose(file);
}

static uint64_t *block_counter(uint64_t address)
{
	struct block *block = calloc(1, sizeof(*block));

	if (!block)
		abort();
	block->address = address;
	block->next = blocks;
	blocks = block;
	return &block->executed;
}

static void at_mark(unsigned int cpu, void *number)
{
	(void)cpu;
	fprintf(out, "mark %lu user %lu kernel %lu\n", (unsigned long)number,
		(unsigned long)executed.user, (unsigned long)executed.kernel);
	fflush(out);
	if (blocks_path)
		write_blocks((unsigned long)number);
}

static void watch_marks(struct qemu_plugin_tb *block, size_t length)
{
	static const uint8_t head[] = { MARK_HEAD_BYTES };
	static const uint8_t tail[] = { MARK_TAIL_BYTES };

	for (size_t i = 0; i < length; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
		const uint8_t *bytes = qemu_plugin_insn_data(insn);

		if (qemu_plugin_insn_size(insn) != MARK_BYTES ||
		    memcmp(bytes, head, sizeof(head)) != 0 ||
		    memcmp(bytes + MARK_BYTES - sizeof(tail), tail, sizeof(tail)) != 0)
			continue;
		qemu_plugin_register_vcpu_insn_exec_cb(insn, at_mark, WITHOUT_REGISTERS,
						       (void *)(uintptr_t)bytes[sizeof(head)]);
	}
}

static void at_translation(plugin_id id, struct qemu_plugin_tb *block)
{
	size_t length = qemu_plugin_tb_n_insns(block);
	uint64_t address = qemu_plugin_tb_vaddr(block);
	bool is_kernel = address >> 63;
	uint64_t *counter = is_kernel ? &executed.kernel : &executed.user;

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, counter, length);
	if (blocks_path)
		qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, block_counter(address),
							 length);
	if (!is_kernel)
		watch_marks(block, length);
}

EXPORTED int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "out=", 4) == 0)
			out = fopen(argv[i] + 4, "w");
		if (strncmp(argv[i], "blocks=", 7) == 0)
			blocks_path = argv[i] + 7;
	}
	if (!out) {
		fprintf(stderr, "icount: needed out=PATH, a file that can be written\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, at_translation);
	return 0;
}
