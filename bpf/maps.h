/* SPDX-License-Identifier: GPL-2.0 */
/* What the probes keep between calls, and the settings user space gives them. */
#ifndef CONNTRAIL_MAPS_H
#define CONNTRAIL_MAPS_H

#define CONNTRACK_HOOKS 8

/* Addresses (IPv4-mapped), ports in host order: as in struct record. */
struct tuple {
	union {
		struct {
			__u8 src[16];
			__u8 dst[16];
			__u16 src_port;
			__u16 dst_port;
			__u8 l4proto;
			__u8 family;
			__u8 no_ports; /* a later fragment, or headers that could not be read */
			__u8 reserved;
		};
		__u64 words[5];
	};
};

enum wanted {
	WANTED_UNKNOWN = 0, /* not looked at yet, or no entry to ask */
	WANTED_YES = 1,
	WANTED_NO = 2,
};

/* One sk_buff under way on one CPU: its visits so far. */
struct packet {
	/*
	 * What will leave, in its place. `skb` 0: this is free. `visits` 0: it
	 * has left; what is here is for a drop that may follow.
	 */
	struct record record;
	__u64 net;   /* address of its struct net */
	__u64 state; /* nf_hook_state of the visit under way, 0 between two; only with leaves probed */
	__u64 nfct;  /* sk_buff._nfct when its entry was last looked at */
	__u64 left_hash; /* tuple that it leaves with if it is mapped as its entry says */
	__u32 entry_mark; /* mark of the entry that user space knows */
	__u16 zone, status; /* of its entry, where the filter asks for them */
	__u8 wanted;	 /* enum wanted */
	__u8 as_flow;	 /* its tuple is its confirmed entry's: what becomes of it is known */
	__u8 rewrites;	 /* then: bit 0 the dst end will change, bit 1 the src end */
	__u8 makes_flow; /* its entry was not confirmed when it was looked at first */
	__u8 is_changed; /* a visit has changed its tuple: `last` is set */
	__u8 visited;	 /* bit per enum nf_inet_hooks, if the filter asks for hooks */
	__u8 queue;	 /* enum queue */
	__u8 reserved[1];
	struct tuple came;
	struct tuple last; /* as it left the last visit that changed it */
};

/* A call between its entry and its return, on one CPU. */
struct call {
	__u64 key; /* 0: the place is free */
	__u64 args[2];
};

struct flow {
	__u64 number;
	__u64 first_ns;
	__u64 came_hash[2]; /* per direction: the tuple a packet comes with */
	__u64 left_hash[2]; /* and the one it leaves with when it is mapped */
	__u32 mark;	    /* last one told to user space */
	__u16 decided;	    /* FLOW_SRC_RULE and the others */
	__u8 announced;
	__u8 born_here; /* first seen unconfirmed */
	__u8 nulls;	/* bit per manip: the null binding is being made */
	__u8 wanted;	/* enum wanted: what the filter and the sample say */
	__u8 hashed;	/* hashes and rewrites are made */
	__u8 rewrites;	/* per direction 2 bits, as in struct packet */
	__u8 is_met;	/* a packet of it was wanted, where the filter is about packets */
	__u8 is_counted; /* its counts were told at the end of the trace */
	__u8 state;	 /* state_word() last told */
	__u8 is_confirmed; /* known to be, and so for good */
	__u32 netns, reserved; /* netns: 0 before it is told of */
	__u64 asking;	/* the nat chains it meets now: enum record_rule without a number */
	__u64 table;	/* legacy: address of the xt_table; nft: of the chain */
	__u64 rules[2]; /* per manip: enum record_rule */
};

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* user space creates the real ones */
};

/* One place per possible CPU; several CPUs may share a ring. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

/*
 * Tables with a share for each possible CPU. Plain arrays and not per-CPU
 * ones: their lookup is a few instructions in place, without a call. User
 * space multiplies max_entries by the number of CPUs.
 */
#define PACKETS_PER_CPU 64
#define CALLS_PER_CPU 8

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PACKETS_PER_CPU);
	__type(key, __u32);
	__type(value, struct packet);
} packets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CALLS_PER_CPU);
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");

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

#include "note.h"

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
const volatile __u32 cpus = 1;		   /* possible CPUs */
const volatile __u32 wake_bytes = 1 << 16; /* unread bytes in a ring that wake the reader */
const volatile __u32 sample = 1;	   /* one of so many flows is traced */
const volatile __u8 has_leaves = 0;	   /* each visit's leave is probed, not only the last one's */
const volatile __u8 accounts = 0;	   /* conntrack's own counts are told: nobody counts packets */
const volatile __u8 everywhere = 0;	   /* packets too where conntrack is not at work */

/*
 * Addresses of kernel functions: conntrack's where a way begins, by hook, IPv4
 * and then IPv6, 0 where there is none; and what drops at a hook.
 */
const volatile __u64 conntrack_hooks[CONNTRACK_HOOKS] = {};
const volatile __u64 hook_slow_begin = 0, hook_slow_end = 0;
const volatile __u8 refusals = 0;	   /* nf_conntrack_in() and the search for ports are probed */
const volatile __u8 log_has_state = 0;	   /* the functions that log are given the hook's state */

/* Addresses of nf_conntrack_net_id and nf_conntrack_max; 0 where they are not known. */
const volatile __u64 conntrack_net_id_at = 0, conntrack_max_at = 0;
const volatile __u64 reinject_begin = 0, reinject_end = 0;

static __always_inline __u32 current_phase(void)
{
	__u32 zero = 0, *value = bpf_map_lookup_elem(&phase, &zero);

	return value ? *value : PHASE_OFF;
}

/* Does something new begin now? */
static __always_inline bool is_recording(void)
{
	__u32 now = current_phase();

	return now == PHASE_WARMING || now == PHASE_ON;
}

static __always_inline struct counters *cpu_counters(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&counters, &cpu);
}

#endif
