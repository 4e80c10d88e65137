/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's types, as far as the probes read them. preserve_access_index
 * makes libbpf move every offset to where the running kernel has the field, so
 * only names and types matter here, not order or size.
 */
#ifndef CONNTRAIL_KERNEL_H
#define CONNTRAIL_KERNEL_H

#define NFPROTO_IPV4 2
#define NFPROTO_IPV6 10

#define NF_DROP 0
#define NF_ACCEPT 1
#define NF_STOLEN 2
#define NF_QUEUE 3

#define NFCT_INFOMASK 7UL /* the low bits of sk_buff._nfct: enum ip_conntrack_info */

#define IP_CT_RELATED 1 /* enum ip_conntrack_info */

#define IPS_EXPECTED (1 << 0)
#define IPS_SEEN_REPLY (1 << 1)
#define IPS_ASSURED (1 << 2)
#define IPS_CONFIRMED (1 << 3)
#define IPS_NAT_DONE (3 << 7) /* a mapping is stored, of either manip */
#define IPS_DYING (1 << 9)
#define IPS_TEMPLATE (1 << 11)

#define NO_HOOK 255

#define MANIP_SRC 0 /* enum nf_nat_manip_type */
#define MANIP_DST 1

/*
 * A field of a typed pointer that came as an argument, or of what it points
 * to. fentry and fexit programs may load it directly, kprobes must ask a
 * helper to copy it: several times as many instructions. A nf_conn is found in
 * sk_buff._nfct, which is a number: that takes the helper in both.
 */
#ifdef CONNTRAIL_FENTRY
#define FIELD(pointer, field) ((pointer)->field)
#else
#define FIELD(pointer, field) BPF_CORE_READ(pointer, field)
#endif

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct xt_table;

/* The legacy backend's tables; up to 5.14 they are kept here. */
struct netns_ipv4 {
	struct xt_table *nat_table;
};

struct netns_ipv6 {
	struct xt_table *ip6table_nat;
};

typedef struct {
	int counter;
} atomic_t;

struct netns_ct {
	atomic_t count; /* up to 5.12: how many entries it has */
};

struct net_generic;

struct net {
	struct ns_common ns;
	struct netns_ct ct;
	struct net_generic *gen;
	struct netns_ipv4 ipv4;
	struct netns_ipv6 ipv6;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	char name[16];
	int ifindex;
	possible_net_t nd_net;
};

enum skb_ext_id {
	SKB_EXT_BRIDGE_NF = 0, /* what br_netfilter keeps of a bridged packet */
};

struct sk_buff {
	struct net_device *dev;
	__u8 active_extensions; /* bit per enum skb_ext_id */
	unsigned int len;
	unsigned long _nfct;
	__u32 mark;
	__u16 network_header;
	__u32 tail, end;
	unsigned char *head, *data;
};

struct skb_shared_info {
	unsigned short gso_segs;
};

/* hook and pf are u32 and u8 in 5.10, both u8 since 5.11: read one byte of each. */
struct nf_hook_state {
	__u8 hook;
	__u8 pf;
	struct net_device *in;
	struct net_device *out;
	struct net *net;
};

union nf_inet_addr {
	__u32 all[4];
};

struct nf_conntrack_man {
	union nf_inet_addr u3;
	union {
		__u16 all;
	} u;
	__u16 l3num;
};

struct nf_conntrack_tuple {
	struct nf_conntrack_man src;
	struct {
		union nf_inet_addr u3;
		union {
			__u16 all;
		} u;
		__u8 protonum;
		__u8 dir;
	} dst;
};

struct nf_conntrack_tuple_hash {
	struct nf_conntrack_tuple tuple;
};

struct nf_conntrack_zone {
	__u16 id;
	__u8 flags;
	__u8 dir;
};

struct nf_ct_ext;

struct ip_ct_tcp {
	__u8 state; /* enum tcp_conntrack */
};

union nf_conntrack_proto { struct ip_ct_tcp tcp; };

struct nf_conn {
	__u32 timeout;
	struct nf_conntrack_zone zone;
	struct nf_conntrack_tuple_hash tuplehash[2];
	unsigned long status;
	possible_net_t ct_net;
	__u32 mark;
	struct nf_ct_ext *ext;
	union nf_conntrack_proto proto;
	struct nf_conn *master;
};

struct nsproxy {
	struct net *net_ns;
};

struct task_struct {
	struct nsproxy *nsproxy;
};

struct module {
	char name[56];
};

/* In the BTF of nf_tables, where modules have any: asked whether and where. */
struct nft_table {
	__u64 handle;
};

struct nft_rule_dp {
	__u64 handle;
};

#pragma clang attribute pop

#endif
