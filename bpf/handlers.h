/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything but the attachment. kprobe.bpf.c and fentry.bpf.c read the
 * arguments of a kernel function each in their way and call the same handlers.
 *
 *   packet.h     sk_buff -> tuple          begin.h      a packet at its first hook
 *   protocols.h  headers, ports            visit.h      nf_hook_slow, the last hook
 *   flow.h       nf_conn -> number         conntrack.h  confirm, end of an entry
 *   state.h      nf_conn -> netns, mark    account.h    conntrack's own counts
 *   traversal.h  packets under way         nat.h        nat chains, the decision
 *   entry.h      packet <-> its entry      drop.h       kfree_skb
 *   turn.h       an entry's tuples         hooks.h      is conntrack at work at a hook
 *   filter.h     what is asked for         pcap.h       a pcap-filter expression
 *   sample.h     whole flows, one of N     call.h       a call's entry and its return
 *   rule.h       nat statement -> rule     legacy.h     tables of the legacy backend
 *   copied.h     nf_conn, in one copy      open.h       entries that outlive the trace
 *   tell.h       flow -> record            failure.h    what was refused or lost
 *   emit.h       record -> ring            invalid.h    packets refused
 *   clash.h      entries refused           search.h     no free port, flows not expected
 *   note.h       noted until it fails      log.h        functions that log
 *   tracked.h    changes of state          module.h     modules that come and go
 *   queue.h      NFQUEUE: packets wait     parent.h     an expected entry -> its parent
 *   taken.h      packets that a hook kept  full.h       a full table, who was evicted
 *   fragment.h   fragments, and what they become
 */
#ifndef CONNTRAIL_HANDLERS_H
#define CONNTRAIL_HANDLERS_H

#include <stdbool.h>
#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "kernel.h"
#include "hook_entries.h"
#include "record.h"
#include "maps.h"
#include "emit.h"
#include "protocols.h"
#include "packet.h"
#include "filter.h"
#include "sample.h"
#include "pcap.h"
#include "turn.h"
#include "rule.h"
#include "state.h"
#include "copied.h"
#include "tell.h"
#include "flow.h"
#include "parent.h"
#include "traversal.h"
#include "entry.h"
#include "call.h"
#include "hooks.h"
#include "begin.h"
#include "visit.h"
#include "failure.h"
#include "invalid.h"
#include "log.h"
#include "full.h"
#include "clash.h"
#include "search.h"
#include "fragment.h"
#include "account.h"
#include "tracked.h"
#include "conntrack.h"
#include "open.h"
#include "legacy.h"
#include "nat.h"
#include "queue.h"
#include "drop.h"
#include "taken.h"
#include "module.h"

/* A raw tracepoint, in both: its arguments are plain numbers. `reason` since 5.17. */
SEC("raw_tp/kfree_skb")
int packet_drop(struct bpf_raw_tracepoint_args *ctx)
{
	struct trace_event_raw_kfree_skb *event = 0;
	__u32 reason = 0;

	if (bpf_core_field_exists(event->reason)) {
		reason = ctx->args[2];
		if (reason == SKB_NOT_DROPPED_YET)
			return 0;
	}
	return on_drop((struct sk_buff *)ctx->args[0], ctx->args[1], reason);
}

char LICENSE[] SEC("license") = "GPL";

#endif
