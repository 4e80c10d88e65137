/* SPDX-License-Identifier: GPL-2.0 */
/* What the probes keep between calls, and the settings user space gives them. */
#ifndef CONNTRAIL_MAPS_H
#define CONNTRAIL_MAPS_H

/* Addresses (IPv4-mapped), ports in host order: as in struct record. */
struct tuple {
	__u8 src[16];
	__u8 dst[16];
	__u16 src_port;
	__u16 dst_port;
	__u8 l4proto;
	__u8 family;
	__u8 no_ports; /* a later fragment, or headers that could not be read */
	__u8 reserved;
} __attribute__((aligned(8))); /* compared as 64-bit words */

/* A visit between nf_hook_slow()'s entry and return. */
struct visit {
	__u64 entered_ns;
	__u64 skb;
	__u64 nfct; /* sk_buff._nfct: at enter, then what nf_conntrack_in() made of it */
	__u64 flow;
	struct tuple tuple;
	__u32 len;
	__u32 ifindex;
	__u32 netns;
	__u32 mark;
	__u16 flags;
	__u16 zone;   /* of the entry and its status, where a filter asks for them */
	__u16 status;
	__u8 hook;
	__u8 reserved;
};

/* A call between a kprobe and its kretprobe: what the return needs of the arguments. */
struct call {
	__u64 args[3];
};

enum match {
	MATCH_TUPLE = 1 << 0,  /* the filter's terms about flows hold */
	MATCH_PACKET = 1 << 1, /* a packet was seen for which the others hold */
};

struct flow {
	__u64 number;
	__u32 mark; /* last one told to user space */
	__u8 announced;
	__u8 born_here; /* first seen unconfirmed */
	__u8 nulls;	/* bit per manip: the null binding is being made */
	__u8 matched;	/* enum match */
};

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* user space creates the real ones */
};

/* One slot per possible CPU; several CPUs may share a ring. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

/* By address of the nf_hook_state: it lives on the stack for just this visit. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct visit);
} visits SEC(".maps");

/* By stack pointer at entry: unique among calls in flight, on any CPU or task. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct call);
} calls SEC(".maps");

/*
 * By address of the nf_conn, from first sight until nf_conntrack_free(). Not an
 * LRU map: that one forgets live flows without a word. User space sizes it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 262144);
	__type(key, __u64);
	__type(value, struct flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");

enum phase {
	PHASE_OFF = 0,	    /* probes return at once */
	PHASE_WARMING = 1,  /* calls that began before us return: unpaired is no loss */
	PHASE_ON = 2,
	PHASE_STOPPING = 3, /* nothing new begins, open calls come home */
};

/* A map of one word and not a global variable: user space writes it while we run. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} phase SEC(".maps");

/* Settings, fixed at load: the verifier removes what they switch off. */
const volatile struct filter_terms filter = {};
const volatile __u32 cpus = 1;			  /* possible CPUs */
const volatile __u32 wake_bytes = 1 << 16; /* unread bytes in a ring that wake the reader */

static __always_inline __u32 current_phase(void)
{
	__u32 zero = 0, *value = bpf_map_lookup_elem(&phase, &zero);

	return value ? *value : PHASE_OFF;
}

static __always_inline struct counters *cpu_counters(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

#endif
