/* SPDX-License-Identifier: GPL-2.0 */
/* What user space asks for: part of record.h. */
#ifndef CONNTRAIL_FILTER_TERMS_H
#define CONNTRAIL_FILTER_TERMS_H

#define FILTER_ENDS 16	 /* prefixes or port ranges of one kind */
#define FILTER_PLACES 8	 /* namespaces, interfaces, zones, protocols */

/* IPv4-mapped where IPv4; network byte order. */
struct filter_prefix {
	__u64 address[2];
	__u64 mask[2];
};

/* Host byte order, both ends included. */
struct filter_range {
	__u16 first;
	__u16 last;
};

/* What the filter asks for; a list without members and a mask of zero ask for nothing. */
struct filter_terms {
	struct filter_prefix host[FILTER_ENDS], src_host[FILTER_ENDS], dst_host[FILTER_ENDS];
	__u64 interface[FILTER_PLACES][2]; /* names, padded with zeros */
	__u32 ifindex[FILTER_PLACES];
	__u32 netns[FILTER_PLACES]; /* inodes */
	struct filter_range port[FILTER_ENDS], src_port[FILTER_ENDS], dst_port[FILTER_ENDS];
	__u32 mark, mark_mask;
	__u16 zone[FILTER_PLACES];
	__u16 protocol[FILTER_PLACES]; /* family 4, 6 or 0 for both * 256 + IANA number */
	__u16 ctinfos; /* bit per enum ip_conntrack_info; bit 8: without an entry */
	__u8 hosts, src_hosts, dst_hosts, ports, src_ports, dst_ports;
	__u8 interfaces, ifindexes, namespaces, zones, protocols;
	__u8 family;
	__u8 hooks;	/* bit per enum nf_inet_hooks */
	__u8 new_only;	/* bit 1 of ctinfos means flows without a reply */
	__u8 by_flow;	/* any of: hosts, ports, protocols, family */
	__u8 by_packet; /* any other term but hooks */
	__u8 pcap;	/* pcap_program() holds a translated expression */
};

#define PCAP_COPIED 96

/* What pcap_program() is given: its code is made in user space, with these offsets. */
struct pcap_view {
	__u64 packet; /* address of the IP header */
	__u32 valid;  /* bytes behind it in the linear part */
	__u32 len;    /* bytes of the packet, from the IP header on */
	__u8 bytes[PCAP_COPIED];
};

#endif
