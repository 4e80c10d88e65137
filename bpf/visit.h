/* SPDX-License-Identifier: GPL-2.0 */
/* nf_hook_slow(): one packet at one hook, from enter to leave. */
#ifndef CONNTRAIL_VISIT_H
#define CONNTRAIL_VISIT_H

static __always_inline __u8 state_pf(struct nf_hook_state *state)
{
	__u8 pf = 0;

	bpf_core_read(&pf, 1, &state->pf);
	return pf;
}

static __always_inline __u32 state_ifindex(struct nf_hook_state *state, __u8 hook)
{
	bool comes_in = hook == 0 || hook == 1; /* prerouting, input */
	struct net_device *dev = comes_in ? BPF_CORE_READ(state, in) : BPF_CORE_READ(state, out);

	return dev ? BPF_CORE_READ(dev, ifindex) : 0;
}

/* Our number of an unconfirmed entry: it may be gone when the visit ends with a drop. */
static __always_inline __u64 unconfirmed_number(__u64 nfct)
{
	struct nf_conn *ct = entry_of(nfct);
	struct flow *flow;

	if (!ct || (BPF_CORE_READ(ct, status) & IPS_CONFIRMED))
		return 0;
	flow = known_flow(ct);
	return flow ? flow->number : 0;
}

/* For the filter, which may ask when the entry is gone. */
static __always_inline void remember_entry(struct visit *visit)
{
	struct nf_conn *ct = entry_of(visit->nfct);

	if (!filter.by_packet || !(filter.zones || filter.new_only) || !ct)
		return;
	visit->zone = entry_zone(ct);
	visit->status = BPF_CORE_READ(ct, status);
}

/* False: the filter does not want this packet. */
static __always_inline bool on_hook_enter(struct sk_buff *skb, struct nf_hook_state *state)
{
	struct counters *count = cpu_counters();
	__u64 key = (__u64)state;
	struct visit visit = {};

	visit.mark = BPF_CORE_READ(skb, mark);
	visit.netns = BPF_CORE_READ(state, net, ns.inum);
	if (!place_wanted(visit.netns, visit.mark, &state->in, &state->out) ||
	    !packet_matches(skb)) {
		if (count)
			count->filtered_out++;
		return false;
	}
	bpf_core_read(&visit.hook, 1, &state->hook);
	visit.entered_ns = bpf_ktime_get_ns();
	visit.skb = (__u64)skb;
	visit.nfct = BPF_CORE_READ(skb, _nfct);
	visit.flow = unconfirmed_number(visit.nfct);
	visit.flags = visit.nfct ? VISIT_HAD_ENTRY : 0;
	remember_entry(&visit);
	visit.len = BPF_CORE_READ(skb, len);
	visit.ifindex = state_ifindex(state, visit.hook);
	read_tuple(skb, state_pf(state), &visit.tuple);
	if (visit.tuple.no_ports)
		visit.flags |= VISIT_NO_PORTS;
	if (count && bpf_map_update_elem(&visits, &key, &visit, BPF_ANY))
		count->calls_full++;
	return true;
}

static __always_inline void fill_visit(struct record *record, const struct visit *visit)
{
	__u64 duration = record->ktime_ns - visit->entered_ns;

	record->skb = visit->skb;
	record->netns = visit->netns;
	record->hook = visit->hook;
	record->flow = visit->flow;
	record->ctinfo = ctinfo_of(visit->nfct);
	record->mark = visit->mark;
	record->flags = visit->flags;
	record->visit.duration_ns = duration >> 32 ? ~0U : duration;
	record->visit.len = visit->len;
	record->visit.ifindex = visit->ifindex;
}

static __always_inline void emit_visit(struct counters *count, const struct visit *visit,
				       const struct tuple *left, __u8 verdict, __u16 status)
{
	struct record *record;

	if (visit->flags & VISIT_REWRITTEN) {
		record = reserve(count, RECORD_ENTERED);
		if (record) {
			fill_visit(record, visit);
			set_tuple(record, &visit->tuple);
			submit(record);
		}
	}
	record = reserve(count, RECORD_VISIT);
	if (!record)
		return;
	fill_visit(record, visit);
	set_tuple(record, left);
	record->verdict = verdict;
	record->status = status;
	submit(record);
}

static __always_inline bool wanted(const struct visit *visit, const struct flow *flow)
{
	if (flow ? !(flow->matched & MATCH_TUPLE) : !tuple_matches(&visit->tuple))
		return false;
	return entry_terms_wanted(ctinfo_of(visit->nfct), visit->zone, visit->status);
}

/* The packet goes on: read what the hook made of it. */
static __always_inline void leave_alive(struct counters *count, struct visit *visit)
{
	struct sk_buff *skb = (struct sk_buff *)visit->skb;
	__u8 pf = visit->tuple.family == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	struct tuple left;
	struct nf_conn *ct;
	struct flow *flow;

	visit->nfct = BPF_CORE_READ(skb, _nfct);
	visit->mark = BPF_CORE_READ(skb, mark);
	ct = entry_of(visit->nfct);
	flow = flow_of(count, ct);
	remember_entry(visit);
	if (!wanted(visit, flow)) {
		count->filtered_out++;
		return;
	}
	if (flow)
		meet_flow(ct, flow);
	if (!hook_wanted(visit->hook)) {
		count->filtered_out++;
		return;
	}
	if (flow) {
		visit->flow = flow->number;
		if (flow->mark != BPF_CORE_READ(ct, mark))
			tell_flow(ct, flow);
	}
	read_tuple(skb, pf, &left);
	if (!same_tuple(&left, &visit->tuple))
		visit->flags |= VISIT_REWRITTEN;
	emit_visit(count, visit, &left, NF_ACCEPT, ct ? BPF_CORE_READ(ct, status) : 0);
}

/* The packet is gone, or somebody else's: only what was remembered is true. */
static __always_inline void leave_gone(struct counters *count, struct visit *visit, __u8 verdict)
{
	struct nf_conn *ct = entry_of(visit->nfct);
	struct flow *flow = known_flow(ct);

	if (!visit->flow && flow)
		visit->flow = flow->number;
	if (!wanted(visit, flow) || !hook_wanted(visit->hook)) {
		count->filtered_out++;
		return;
	}
	emit_visit(count, visit, &visit->tuple, verdict, 0);
}

/* `ret` of nf_hook_slow(): 1 go on, negative dropped, 0 stolen or queued. */
static __always_inline int on_hook_leave(struct nf_hook_state *state, int ret)
{
	struct counters *count = cpu_counters();
	__u64 key = (__u64)state;
	struct visit *visit = bpf_map_lookup_elem(&visits, &key);

	if (!count || !visit)
		return 0;
	if (ret == 1)
		leave_alive(count, visit);
	else
		leave_gone(count, visit, ret < 0 ? NF_DROP : NF_STOLEN);
	bpf_map_delete_elem(&visits, &key);
	return 0;
}

#endif
