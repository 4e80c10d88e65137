/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Most records need no thought: the first about their packet, of a known flow,
 * with tuples that its entry has; what is told of a new entry, and of one that
 * ends. They are read here, in one call for hundreds; src/rebuild/ reads all
 * others, and in the same way these, record by record.
 */
#ifndef CONNTRAIL_FLOWS_READ_H
#define CONNTRAIL_FLOWS_READ_H

#include <linux/types.h>

#include "../../bpf/record.h"
#include "flow_table.h"

/* A rule that decided before: what flows are told by it, and its number. */
struct known_rule {
	uint64_t word; /* enum record_rule, without the hook */
	uint32_t netns;
	uint32_t family; /* of the legacy backend, else 0 */
	uint32_t number; /* from 1 */
	uint32_t unused;
};

enum read_flag {
	READ_PACKETS = 1, /* traversals, too */
	READ_CHANGES = 2, /* a record of its own tells a flow's first state: not read here */
};

/* Numbers of packets and the places where they are found by their sk_buff: src/rebuild/packet-rows.ts. */
struct packet_place {
	uint64_t skb;
	uint32_t number;
	uint32_t unused;
};

#define PACKET_PLACES (1u << 16)

struct read_call {
	struct flow_table table;
	uint64_t records; /* addresses */
	uint64_t staged;  /* struct staged of ../columns.h */
	uint64_t places;  /* struct packet_place, PACKET_PLACES of them */
	uint64_t rules;	  /* struct known_rule */
	uint32_t at, end; /* words of `records`: where to begin, where to end */
	uint32_t count, room; /* in, out: of what is staged */
	uint32_t begun;	  /* in, out: packets so far */
	uint32_t mark;	  /* of a flow of which a packet is staged that takes its tuples */
	uint32_t flags;	  /* enum read_flag */
	uint32_t rule_count;
	uint32_t accounts; /* out: conntrack's own counts have come */
	uint32_t unused;
};

/* RECORD_FLOW, RECORD_END. False: nothing was done, somebody else must read it. */
int flow_told(struct read_call *call, const struct record *record);
int flow_ended(struct read_call *call, const struct record *record);

#pragma GCC visibility push(default)

/* Returns where it stopped: at `end`, or at a record that is not plain. */
uint32_t flows_read(struct read_call *call);

struct hand_on_call {
	struct flow_table table;
	uint64_t out; /* address: rows of FLOW_ROW_WORDS words */
	uint64_t counts; /* struct rule_counts, by the rule's number less one */
	uint64_t before; /* flows whose last record is older */
	uint32_t queue; /* enum flow_queue */
	uint32_t room;	/* rows that fit */
	uint32_t turn;	/* of the stage */
	uint32_t rows;	/* out: written */
};

/* What flows that a rule decided about were translated. */
struct rule_counts {
	double flows, packets[2], bytes[2];
};

enum handed_on {
	HANDED_ON_ALL = 0,
	HANDED_ON_FULL = 1,   /* no more room */
	HANDED_ON_STAGED = 2, /* the next one has packets that wait for their rows */
};

/* Flows that have ended, or all, in the order of their last use: rows of them, and their slots free. */
uint32_t flows_hand_on(struct hand_on_call *call);

#pragma GCC visibility pop

#endif
