/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets that a hook kept, SYNPROXY for one: freed in silence, they stay in
 * their places until another packet wants one. When a trace ends they are told
 * as far as they were seen, and with them those that were still under way. Not
 * where conntrack is not at work: nobody could say whether there was more to come.
 */
#ifndef CONNTRAIL_TAKEN_H
#define CONNTRAIL_TAKEN_H

/* In memory of which the verifier knows nothing: how far the places were looked at. */
__u32 next_place;

static __always_inline bool is_left(const struct packet *packet)
{
	return packet->record.traversal.visits && packet->queue != QUEUE_WAITS &&
	       (packet->record.flags & PACKET_CONNTRACK_RAN);
}

/*
 * Attached to nothing: user space runs it until it returns 0. One packet a run:
 * what comes after it is then the same to the verifier in every round.
 */
SEC("raw_tp/tell_taken")
int tell_taken_packets(void *ctx)
{
	for (int looked = 0; looked < PACKETS_PER_CPU; looked++) {
		__u32 place = next_place++;
		struct packet *packet = bpf_map_lookup_elem(&packets, &place);

		if (!packet)
			return 0;
		if (is_left(packet)) {
			make_room(packet);
			return 1;
		}
	}
	return 1;
}

#endif
