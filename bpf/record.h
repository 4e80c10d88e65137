/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that crosses from the kernel to user space: the record, its
 * codes, the settings and the counters. Edited here and nowhere else:
 * src/wire/layout.ts is generated from the BTF of these types.
 *
 * A record is 96 bytes, little endian as the kernel's own memory, zeroed
 * before it is filled. Addresses are in network byte order, an IPv4 address
 * as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2). Ports are in host byte order; for
 * ICMP and ICMPv6 src_port is the identifier and dst_port is type * 256 + code,
 * as struct nf_conntrack_tuple keeps them.
 */
#ifndef CONNTRAIL_RECORD_H
#define CONNTRAIL_RECORD_H

#include "failure_codes.h"
#include "entry_codes.h"
#include "filter_terms.h"
#include "rule_codes.h"

enum record_kind {
	RECORD_TRAVERSAL = 1, /* visits of one packet in a row, to its last one or as far as one CPU saw them */
	RECORD_CAME = 2,      /* the tuple it came with, where that is not its entry's; before its traversal */
	RECORD_LEFT = 3,      /* the tuple it left with, where that is neither as it came nor as mapped */
	RECORD_FLOW = 4,      /* an entry's tuples, or one: at first sight, at confirmation, with a new mark */
	RECORD_END = 5,	      /* nf_ct_delete() or nf_conntrack_free(): the entry is leaving */
	RECORD_DROP = 6,      /* skb:kfree_skb: the packet was freed as dropped */
	RECORD_RULES = 7,     /* nf_tables_commit(), xt_replace_table(): the rules of a namespace change */
	RECORD_FAILURE = 8,   /* conntrack refused or lost something: enum record_failure */
	RECORD_TEXT = 9,      /* the kernel's own words, by address: before the first failure that names them */
	RECORD_STATE = 10,    /* an entry changed its state: TCP's, replied, assured */
	RECORD_MODULE = 11,   /* a module of the kernel was loaded or freed; its name from `src` on */
	RECORD_KINDS = 12,
};

/* Values of record.ctinfo beside enum ip_conntrack_info (0..4). */
enum record_ctinfo {
	CTINFO_UNTRACKED = 7,
	CTINFO_NONE = 255, /* no entry: not seen by conntrack, or invalid */
};

/* Bits of record.flags; each kind uses the ones named after it. */
enum record_flag {
	PACKET_CONNTRACK_RAN = 1 << 0,	/* conntrack is at work where its way began */
	PACKET_HAD_ENTRY = 1 << 2,	/* came with an entry attached: loopback, reinjected */
	PACKET_NO_PORTS = 1 << 3,	/* came as a later fragment: no ports to read */
	PACKET_CAME_AS_FLOW = 1 << 4,	/* came with its entry's tuple of its direction; else RECORD_CAME precedes */
	PACKET_LEFT_AS_CAME = 1 << 5,	/* no visit changed the tuple */
	PACKET_LEFT_AS_MAPPED = 1 << 6, /* left with the other tuple of its entry, turned round */
	PACKET_IS_PART = 1 << 7,	/* more visits may follow: not at the end of its way */
	PACKET_IS_TORN = 1 << 8,	/* a visit's enter or leave was not seen */
	FLOW_REPLY = 1 << 0,		/* the one tuple is the reply one, else the original */
	FLOW_NEW = 1 << 1,		/* first seen unconfirmed, in the packet that made it */
	FLOW_CONFIRM_RAN = 1 << 2,	/* __nf_conntrack_confirm() has just returned: record.verdict */
	FLOW_MERGED = 1 << 3,		/* lost a clash: the packet now belongs to another entry */
	FLOW_SRC_RULE = 1 << 4,		/* nf_nat_setup_info(): what decided manip src */
	FLOW_SRC_NULL = 1 << 5,		/* __nf_nat_alloc_null_binding() made it */
	FLOW_DST_RULE = 1 << 6,
	FLOW_DST_NULL = 1 << 7,
	FLOW_RULES = 1 << 8,		/* has src_rule and dst_rule in place of first_ns and entry */
	FLOW_BOTH = 1 << 9,		/* FLOW_RULES, and both tuples, of IPv4: record.both */
	FLOW_PARENT = 1 << 10,		/* of an expected entry: record.parent, and nothing else that is new */
	MODULE_GONE = 1 << 0,	  /* freed, else loaded */
	END_UNCONFIRMED = 1 << 0, /* freed without ever being confirmed */
	END_DELETED = 1 << 1,	  /* nf_ct_delete(), else nf_conntrack_free() */
	END_OPEN = 1 << 2,	  /* still in the table: the trace ends, not the entry */
	END_ACCOUNTED = 1 << 3,	  /* has conntrack's own counts in place of the tuple */
	END_EVICTED = 1 << 4,	  /* early_drop() made room for another */
};

/* Fields of record.traversal.seen: per hook a bit at its number, then what was decided. */
enum record_seen {
	SEEN_CHAINS = 0,    /* 5 bits: a nat chain was evaluated at this hook */
	SEEN_REWRITTEN = 5, /* 5 bits: it left this hook with another tuple */
	SEEN_DECIDED = 10,  /* 4 bits: FLOW_SRC_RULE.. of this packet's own entry, moved down by 4 */
	SEEN_CONFIRM = 14,  /* 2 bits: enum record_confirm */
	SEEN_STATE = 16,    /* 4 bits: enum record_state of its entry, when the packet was done with */
	SEEN_QUEUED = 20,   /* 5 bits: it was handed to user space at this hook (NFQUEUE) */
};

#define MAX_VISITS 3
#define TEXT_BYTES 48

/*
 * record.traversal.len: the lower bits are bytes, of which BIG TCP has less
 * than 2^20; the upper ones how many segments they are, where they are more
 * than one and longer than PLAIN_BYTES.
 */
#define LENGTH_BITS 20
#define LENGTH_MASK ((1U << LENGTH_BITS) - 1)
#define MOST_SEGMENTS ((1U << (32 - LENGTH_BITS)) - 1)
#define PLAIN_BYTES 1500

struct record {
	__u64 ktime_ns; /* CLOCK_MONOTONIC, taken after the place in the ring was reserved */
	union {
		__u64 skb;	/* address of the struct sk_buff */
		__u64 first_ns; /* FLOW: CLOCK_MONOTONIC of first sight */
		__u64 src_rule; /* FLOW_RULES: enum record_rule */
		__u64 parent;	/* FLOW_PARENT: our number of nf_conn.master */
		__u64 rival;	/* FAILURE_CLASH, FAILURE_EVICTED: number of the other flow, 0 if not told */
		__u64 text_at;	/* TEXT: address in the kernel */
	};
	__u64 flow;   /* our number of the entry, 0 for none */
	__u32 seq;    /* per CPU, counts every record tried, lost ones too */
	__u32 netns;  /* inode of the network namespace, 0 if not known */
	__u16 cpu;
	__u8 kind;    /* enum record_kind */
	union {
		__u8 hook;  /* enum nf_inet_hooks of the last visit, 255 where none */
		__u8 state; /* FLOW, END, STATE: enum record_state; 255 where that is not told */
	};
	__u8 family;  /* 4 or 6 */
	__u8 l4proto; /* IANA protocol number */
	union {
		__u8 ctinfo; /* enum ip_conntrack_info or enum record_ctinfo */
		__u8 cause;  /* FAILURE: enum record_failure */
	};
	__u8 verdict; /* NF_DROP 0, NF_ACCEPT 1, NF_STOLEN 2, NF_QUEUE 3: waits there yet */
	__u16 status; /* low 16 bits of nf_conn.status, IPS_* */
	__u16 flags;  /* enum record_flag */
	union {
		__u32 mark;  /* TRAVERSAL, DROP: skb->mark; else nf_conn.mark */
		__u32 tries; /* FAILURE_SEARCH: tuples that were taken */
		__u32 error; /* FAILURE_EXPECT: errno */
	};
	union {
		struct {
			__u64 started_ns;   /* CLOCK_MONOTONIC when it entered the first visit */
			__u8 visits;	    /* 1 to MAX_VISITS */
			__u8 hooks[MAX_VISITS];
			/* leave, enter, leave, ...: ns after started_ns, saturating */
			__u32 at[2 * MAX_VISITS - 1];
			__u32 seen;	    /* enum record_seen */
			__u32 len;	    /* skb->len at first sight, and segments: LENGTH_BITS */
			__u32 in_ifindex, out_ifindex; /* 0 where none */
		} traversal;
		char text[TEXT_BYTES]; /* TEXT: as much as fits, zeros behind */
		struct {
			union {
				struct {
					__u8 src[16];
					__u8 dst[16];
				};
				__u64 counted[4]; /* END_ACCOUNTED: struct nf_conn_acct */
				struct {	  /* FLOW_BOTH; the original tuple's ports are below */
					__be32 src, dst, src_reply, dst_reply;
					__u16 src_port_reply, dst_port_reply;
					__u32 since_first_ns; /* ktime_ns less first_ns */
					__u64 entry;
				} both;
			};
			__u16 src_port;
			__u16 dst_port;
			union {
				__u32 zone;	 /* FLOW: id, with the direction bits in the upper half */
				__u32 remaining; /* END: jiffies to go, as a signed number */
				__u32 reason;	 /* DROP: enum skb_drop_reason, 0 where the kernel has none */
			};
			union {
				__u64 entry;	/* FLOW: address of the nf_conn, evidence only */
				__u64 dst_rule; /* FLOW_RULES: enum record_rule */
				__u64 location; /* DROP: address of the code that dropped it */
				__u64 said;	/* FAILURE: address of the text, 0 for none */
				struct {	/* FAILURE_FULL, FAILURE_EVICTED: entries; 0 if not known */
					__u32 fill, limit;
				};
			};
		};
	};
};

_Static_assert(sizeof(struct record) == 96, "the record has grown");

#define COUNTED_KINDS 16 /* a power of two, at least RECORD_KINDS */

/* Per CPU; sums are the kernel's half of the ledger. Indexed by enum record_kind. */
struct counters {
	__u64 tried[COUNTED_KINDS];	/* records the probes wanted to send */
	__u64 ring_full[COUNTED_KINDS];	/* of those, not sent: no room in the ring */
	__u64 calls_full;		/* a call or a packet given up: no room beside the ones under way */
	__u64 calls_begun;		/* calls remembered, and calls whose return was seen: */
	__u64 calls_ended;		/* over all CPUs the difference is what is still open */
	__u64 missed_entry;		/* a return whose entry was never seen */
	__u64 flows_full;		/* a flow number not remembered: map refused it */
	__u64 filtered_out;		/* packets that the filter or the sample turned away */
	__u64 next_flow;		/* flow numbers given out on this CPU */
	__u32 seq;
	__u32 reserved;
	__u64 spare[8];			/* CPUs share no cache line */
};

#endif
