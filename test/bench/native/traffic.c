// SPDX-License-Identifier: GPL-2.0
#include "traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NETNS	    4026532245u
#define ROUTER	    0xcb007101u /* 203.0.113.1 */
#define SERVERS	    0xc6336400u /* 198.51.100.0 */
#define CLIENTS	    0x0a000000u /* 10.0.0.0 */
#define NO_HOOK	    255
#define SK_BUFFS    512 /* of a CPU, in use by turns */
#define SK_BUFF_GAP 256

enum step { STEP_FLOW, STEP_FIRST_PACKET, STEP_NONE };

struct tuple {
	uint32_t src, dst;
	uint16_t src_port, dst_port;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* xorshift64* (Vigna, 2016): evenly spread upper bits. */
static uint32_t next_random(struct traffic *traffic)
{
	traffic->random ^= traffic->random >> 12;
	traffic->random ^= traffic->random << 25;
	traffic->random ^= traffic->random >> 27;
	return (uint32_t)((traffic->random * 0x2545f4914f6cdd1du) >> 32);
}

static uint32_t random_below(struct traffic *traffic, uint32_t end)
{
	return (uint32_t)(((uint64_t)next_random(traffic) * end) >> 32);
}

static bool is_masqueraded(uint64_t number)
{
	return number % 2 == 0;
}

static uint8_t protocol_of(uint64_t number)
{
	return number % 4 == 3 ? IPPROTO_UDP : IPPROTO_TCP;
}

static uint16_t status_of(uint64_t number)
{
	return IPS_CONFIRMED | IPS_SRC_NAT_DONE | IPS_DST_NAT_DONE |
	       (is_masqueraded(number) ? IPS_SRC_NAT : 0);
}

static struct tuple original_of(uint64_t number)
{
	return (struct tuple){
		.src = CLIENTS | (uint32_t)(number & 0xffffff),
		.dst = SERVERS | (uint32_t)(number % 250 + 1),
		.src_port = (uint16_t)(32768 + number * 977 % 28232),
		.dst_port = protocol_of(number) == IPPROTO_UDP ? 53 : 443,
	};
}

static struct tuple reply_of(uint64_t number)
{
	const struct tuple original = original_of(number);
	const bool masqueraded = is_masqueraded(number);

	return (struct tuple){
		.src = original.dst,
		.dst = masqueraded ? ROUTER : original.src,
		.src_port = original.dst_port,
		.dst_port = masqueraded ? (uint16_t)(1024 + number % 64512) : original.src_port,
	};
}

static void write_address(uint8_t *to, uint32_t address)
{
	const uint32_t in_order = htonl(address);

	memset(to + 10, 0xff, 2);
	memcpy(to + 12, &in_order, 4);
}

static void write_tuple(struct record *record, struct tuple tuple)
{
	write_address(record->src, tuple.src);
	write_address(record->dst, tuple.dst);
	record->src_port = tuple.src_port;
	record->dst_port = tuple.dst_port;
}

static void write_common(struct record *record, uint8_t kind, uint64_t number)
{
	record->kind = kind;
	record->flow = number;
	record->netns = NETNS;
	record->family = 4;
	record->l4proto = protocol_of(number);
	record->status = status_of(number);
	record->verdict = NF_ACCEPT;
	record->ctinfo = CTINFO_NONE;
	record->hook = NO_HOOK;
}

static void make_flow(struct record *record, uint64_t number)
{
	const struct tuple original = original_of(number), reply = reply_of(number);

	write_common(record, RECORD_FLOW, number);
	record->flags = FLOW_NEW | FLOW_CONFIRM_RAN | FLOW_RULES | FLOW_BOTH | FLOW_DST_NULL |
			(is_masqueraded(number) ? FLOW_SRC_RULE : FLOW_SRC_NULL);
	record->src_port = original.src_port;
	record->dst_port = original.dst_port;
	record->both.src = htonl(original.src);
	record->both.dst = htonl(original.dst);
	record->both.src_reply = htonl(reply.src);
	record->both.dst_reply = htonl(reply.dst);
	record->both.src_port_reply = reply.src_port;
	record->both.dst_port_reply = reply.dst_port;
	record->both.since_first_ns = 2000;
	record->both.entry = 0xffff888100000000u + number * 256;
}

static void make_end(struct record *record, uint64_t number)
{
	write_common(record, RECORD_END, number);
	write_tuple(record, original_of(number));
	record->flags = END_DELETED;
}

/* Of visits to prerouting, forward and postrouting, the time of each enter and of the last leave. */
static void write_visits(struct traffic *traffic, struct record *record, bool reply)
{
	const uint32_t lasted = 1500 + random_below(traffic, 8192);

	record->hook = NF_INET_POST_ROUTING;
	record->traversal.started_ns = record->ktime_ns - lasted - 100;
	record->traversal.visits = 3;
	record->traversal.hooks[0] = NF_INET_PRE_ROUTING;
	record->traversal.hooks[1] = NF_INET_FORWARD;
	record->traversal.hooks[2] = NF_INET_POST_ROUTING;
	record->traversal.at[1] = lasted / 2 + random_below(traffic, 200);
	record->traversal.at[3] = lasted - 600 + random_below(traffic, 200);
	record->traversal.at[4] = lasted;
	record->traversal.len = 52 + random_below(traffic, 1449);
	record->traversal.in_ifindex = reply ? 3 : 2;
	record->traversal.out_ifindex = reply ? 2 : 3;
}

static uint32_t seen_of(uint64_t number, bool reply, bool first)
{
	const uint32_t rewritten_at = reply ? NF_INET_PRE_ROUTING : NF_INET_POST_ROUTING;
	const bool masqueraded = is_masqueraded(number);
	uint32_t seen = masqueraded ? 1u << (SEEN_REWRITTEN + rewritten_at) : 0;

	if (!first)
		return seen;
	return seen | (1u << NF_INET_PRE_ROUTING | 1u << NF_INET_POST_ROUTING) << SEEN_CHAINS |
	       (uint32_t)((FLOW_DST_NULL | (masqueraded ? FLOW_SRC_RULE : FLOW_SRC_NULL)) >> 4)
		       << SEEN_DECIDED |
	       CONFIRM_INSERTED << SEEN_CONFIRM;
}

static void make_packet(struct traffic *traffic, struct record *record, uint64_t number, bool first)
{
	const bool reply = !first && next_random(traffic) >> 31;

	write_common(record, RECORD_TRAVERSAL, number);
	record->skb = 0xffff888800000000u + ((uint64_t)traffic->cpu << 24) +
		      random_below(traffic, SK_BUFFS) * SK_BUFF_GAP;
	record->ctinfo = first ? IP_CT_NEW : reply ? IP_CT_ESTABLISHED_REPLY : IP_CT_ESTABLISHED;
	if (!first)
		record->status |= IPS_SEEN_REPLY;
	record->flags = PACKET_CONNTRACK_RAN | PACKET_CAME_AS_FLOW |
			(is_masqueraded(number) ? PACKET_LEFT_AS_MAPPED : PACKET_LEFT_AS_CAME);
	write_visits(traffic, record, reply);
	record->traversal.seen = seen_of(number, reply, first);
}

static void begin_flow(struct traffic *traffic, uint32_t slot)
{
	const uint64_t count = ++traffic->counters.next_flow;

	traffic->slot = slot;
	traffic->numbers[slot] = count * traffic->plan.cpus - traffic->cpu; /* as bpf/flow.h does */
	traffic->step = STEP_FLOW;
}

/* A packet of some flow that is under way, or its end. */
static void make_later(struct traffic *traffic, struct record *record)
{
	const uint32_t slot = random_below(traffic, traffic->plan.flows);
	const uint64_t number = traffic->numbers[slot];
	const uint32_t packets = traffic->plan.packets_per_flow;

	if (traffic->until_loss)
		traffic->until_loss--;
	if (packets && random_below(traffic, packets) == 0) {
		make_end(record, number);
		begin_flow(traffic, slot);
	} else {
		make_packet(traffic, record, number, false);
	}
}

static void make(struct traffic *traffic, struct record *record)
{
	if (traffic->step == STEP_NONE) {
		make_later(traffic, record);
		return;
	}
	if (traffic->step == STEP_FIRST_PACKET)
		make_packet(traffic, record, traffic->numbers[traffic->slot], true);
	else
		make_flow(record, traffic->numbers[traffic->slot]);
	if (++traffic->step == STEP_NONE && traffic->begun < traffic->plan.flows)
		if (++traffic->begun < traffic->plan.flows)
			begin_flow(traffic, traffic->begun);
}

bool traffic_loses_next(const struct traffic *traffic)
{
	return traffic->plan.lose_every && traffic->step == STEP_NONE && !traffic->until_loss;
}

void traffic_next(struct traffic *traffic, struct record *record)
{
	struct counters *counters = &traffic->counters;
	const bool lost = traffic_loses_next(traffic);

	memset(record, 0, sizeof(*record));
	record->ktime_ns = now_ns();
	record->cpu = (uint16_t)traffic->cpu;
	record->seq = counters->seq++;
	if (lost) { /* never a flow's first record or last: it would stay for ever */
		traffic->until_loss = traffic->plan.lose_every;
		make_packet(traffic, record, traffic->numbers[0], false);
	} else {
		make(traffic, record);
	}
	counters->tried[record->kind]++;
	counters->ring_full[record->kind] += lost;
}

int traffic_open(struct traffic *traffic, const struct traffic_plan *plan, uint32_t cpu)
{
	memset(traffic, 0, sizeof(*traffic));
	traffic->plan = *plan;
	traffic->cpu = cpu;
	traffic->random = 0x9e3779b97f4a7c15u + cpu;
	traffic->until_loss = plan->lose_every;
	traffic->numbers = calloc(plan->flows, sizeof(*traffic->numbers));
	if (!traffic->numbers)
		return -ENOMEM;
	begin_flow(traffic, 0);
	return 0;
}

void traffic_close(struct traffic *traffic)
{
	free(traffic->numbers);
}
