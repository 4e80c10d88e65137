// SPDX-License-Identifier: GPL-2.0
#include "flow_row.h"

#include <stddef.h>

#define AT(member) (offsetof(struct flow_row, member) / 4)
#define TUPLE(which)                                                                    \
	AT(tuple[which].src), AT(tuple[which].dst), AT(tuple[which].src_port),          \
		AT(tuple[which].dst_port)

static const uint16_t words[] = {
	AT(number), AT(netns), AT(zone), AT(family), AT(protocol), TUPLE(0), TUPLE(1), AT(mark),
	AT(status), AT(older), AT(first_at), AT(first_ktime), AT(confirmed_at), AT(ended_at),
	AT(confirm), AT(end), AT(nat[0]), AT(nat[1]), AT(packets[0]), AT(packets[1]), AT(bytes[0]),
	AT(bytes[1]), AT(chain_packets), AT(mapped_packets), AT(entry), AT(complete), AT(rule[0]),
	AT(rule[1]), AT(replied_at), AT(assured_at), AT(tcp_state), AT(established_at),
	AT(handshake_ns), AT(parent), AT(zone_direction),
	/* FlowExtra of src/rebuild/flow-columns.ts */
	AT(last_at), AT(known), AT(staged), AT(mapping), AT(status_at), AT(state), AT(state_before),
	AT(changed_at), AT(begun_at), sizeof(struct flow_row) / 4,
};

_Static_assert(AT(last_at) == FLOW_ROW_WORDS, "words of a row");

uint32_t flow_row_word(uint32_t index)
{
	return index < sizeof(words) / sizeof(*words) ? words[index] : ~0u;
}
