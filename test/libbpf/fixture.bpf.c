// SPDX-License-Identifier: GPL-2.0
/* A small object of the same make as the real one. */
typedef unsigned int __u32;
typedef unsigned long long __u64;

#define SEC(name) __attribute__((section(name), used))

struct terms {
	__u32 port;
	__u64 address;
};

const volatile __u32 wake_bytes = 65536;
const volatile struct terms filter = { 53, 0x0102030405060708 };

struct inner {
	int (*type)[27]; /* BPF_MAP_TYPE_RINGBUF */
	int (*max_entries)[4096];
};

struct {
	int (*type)[12]; /* BPF_MAP_TYPE_ARRAY_OF_MAPS */
	int (*max_entries)[1];
	__u32 *key;
	struct inner *values[];
} rings SEC(".maps");

struct {
	int (*type)[6]; /* BPF_MAP_TYPE_PERCPU_ARRAY */
	int (*max_entries)[1];
	__u32 *key;
	struct terms *value;
} counters SEC(".maps");

struct {
	int (*type)[2]; /* BPF_MAP_TYPE_ARRAY */
	int (*max_entries)[3];
	__u32 *key;
	__u32 *value;
} phase SEC(".maps");

static void *(*lookup)(void *map, const void *key) = (void *)1;

SEC("kprobe/nf_hook_slow")
int entered(void *ctx)
{
	__u32 zero = 0;
	struct terms *terms = lookup(&counters, &zero);

	if (terms)
		terms->address += wake_bytes + filter.port;
	return 0;
}

SEC("kretprobe/nf_hook_slow")
int left(void *ctx)
{
	__u32 zero = 0;

	return lookup(&rings, &zero) != 0;
}

char LICENSE[] SEC("license") = "GPL";
