/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets that a hook kept, SYNPROXY for one: freed in silence, they stay in
 * their places until another packet wants one. When a trace ends they are told
 * as far as they were seen, and with them those that were still under way. Not
 * where conntrack is not at work: nobody could say whether there was more to come.
 */
#ifndef CONNTRAIL_TAKEN_H
#define CONNTRAIL_TAKEN_H

static long tell_one_taken(void *map, const __u32 *place, struct packet *packet, void *nothing)
{
	if (!packet->record.traversal.visits || packet->queue == QUEUE_WAITS)
		return 0;
	if (!(packet->record.flags & PACKET_CONNTRACK_RAN))
		return 0;
	make_room(packet);
	return was_last_told();
}

/* Attached to nothing: user space runs it until it returns 0. Since 5.13. */
SEC("raw_tp/tell_taken")
int tell_taken_packets(void *ctx)
{
	told_open = 0;
	bpf_for_each_map_elem(&packets, tell_one_taken, NULL, 0);
	return told_open;
}

#endif
