// SPDX-License-Identifier: GPL-2.0
#include "lines.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <linux/netfilter/nfnetlink_conntrack.h>

#include "words.h"

#define CONTEXT_BYTES 1024

const char *line_labels_path;
static struct nfct_labelmap *labelmap;
static pthread_once_t labelmap_once = PTHREAD_ONCE_INIT;

static void open_labelmap(void)
{
	labelmap = nfct_labelmap_new(line_labels_path);
}

int line_labels(void)
{
	pthread_once(&labelmap_once, open_labelmap);
	return labelmap ? 0 : -1;
}

/* "": the label has no name. */
static const char *label_name(unsigned bit)
{
	return line_labels() == 0 ? nfct_labelmap_get_name(labelmap, bit) : "";
}

static struct out put_labels(struct out out, const struct table_row *row)
{
	const char *before = "labels=";

	for (unsigned bit = 0; bit < 128; bit++) {
		const char *name = row->labels[bit / 8] >> (bit % 8) & 1 ? label_name(bit) : "";

		if (!name || !*name)
			continue;
		out = put_text(put_text(out, before), name);
		before = ",";
	}
	if (*before == ',')
		return put_text(out, " ");
	/* Labels without names are no more than that there are some. */
	return line_labels() == 0 ? put_text(out, "labels ") : out;
}

/* A row does not hold it, its message does. */
static struct out put_context(struct out out, const struct nlmsghdr *message)
{
	const char *end = (const char *)message + message->nlmsg_len;
	const struct nlattr *attr = mnl_nlmsg_get_payload_offset(message, 4), *inner;

	for (; mnl_attr_ok(attr, (int)(end - (const char *)attr)); attr = mnl_attr_next(attr)) {
		if (mnl_attr_get_type(attr) != CTA_SECCTX)
			continue;
		mnl_attr_for_each_nested(inner, attr)
			if (mnl_attr_get_type(inner) == CTA_SECCTX_NAME &&
			    mnl_attr_validate(inner, MNL_TYPE_NUL_STRING) >= 0 &&
			    mnl_attr_get_payload_len(inner) < CONTEXT_BYTES)
				out = put_named_text(out, "secctx=", mnl_attr_get_payload(inner));
	}
	return out;
}

static struct out put_protocol(struct out out, const struct table_row *row)
{
	out = put_padded(out, protocol_word(row->protocol), 8);
	out = put_number(put_text(out, " "), row->protocol);
	return put_text(out, " ");
}

static struct out put_ports(struct out out, const struct table_row *row, int direction)
{
	const uint16_t *ports = row->ports[direction];

	/* The kernel says no ports of DCCP: then they are 0, as conntrack(8) has it. */
	switch (row->protocol) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		out = put_named(out, "type=", ports[1] >> 8);
		out = put_named(out, "code=", ports[1] & 255);
		return put_named(out, "id=", ports[0]);
	case IPPROTO_GRE:
		out = put_hex(put_text(out, "srckey=0x"), ports[0]);
		out = put_hex(put_text(out, " dstkey=0x"), ports[1]);
		return put_text(out, " ");
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_UDPLITE:
		out = put_named(out, "sport=", ports[0]);
		return put_named(out, "dport=", ports[1]);
	}
	return out;
}

static struct out put_tuple(struct out out, const struct table_row *row, int direction)
{
	const uint32_t counts = direction ? ROW_REPLY_COUNTS : ROW_ORIG_COUNTS;
	const uint16_t zone = direction ? row->zone_reply : row->zone_orig;

	if (!(row->has & (direction ? ROW_REPLY : ROW_ORIG)))
		return out;
	out = put_address(put_text(out, "src="), row->addresses[direction][0], row->family);
	out = put_address(put_text(out, " dst="), row->addresses[direction][1], row->family);
	out = put_ports(put_text(out, " "), row, direction);
	if (row->has & (direction ? ROW_ZONE_REPLY : ROW_ZONE_ORIG))
		out = put_named(out, direction ? "zone-reply=" : "zone-orig=", zone);
	if (row->has & counts) {
		out = put_named(out, "packets=", row->packets[direction]);
		out = put_named(out, "bytes=", row->bytes[direction]);
	}
	return out;
}

static struct out put_status(struct out out, const struct table_row *row)
{
	if (!(row->has & ROW_STATUS))
		return out;
	/* An entry in hardware, one in a flowtable, one that early drop leaves alone. */
	if (row->status & IPS_HW_OFFLOAD)
		return put_text(out, "[HW_OFFLOAD] ");
	if (row->status & IPS_OFFLOAD)
		return put_text(out, "[OFFLOAD] ");
	return row->status & IPS_ASSURED ? put_text(out, "[ASSURED] ") : out;
}

static struct out put_time(struct out out, const char *name, uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	char text[32] = "";
	struct tm when;

	if (localtime_r(&seconds, &when))
		asctime_r(&when, text);
	text[strcspn(text, "\n")] = '\0';
	return put_text(put_text(put_text(out, name), text), "] ");
}

static struct out put_times(struct out out, const struct table_row *row, uint64_t now_s)
{
	const uint64_t start_s = row->start_ns / 1000000000;
	const uint64_t end_s = row->has & ROW_STOP ? row->stop_ns / 1000000000 : now_s;

	if (!(row->has & ROW_START) || end_s < start_s)
		return out;
	return put_named(out, "delta-time=", end_s - start_s);
}

static struct out put_rest(struct out out, const struct table_row *row,
			   const struct nlmsghdr *message, uint32_t form, uint64_t now_s)
{
	if (row->has & ROW_MARK)
		out = put_named(out, "mark=", row->mark);
	if (row->has & ROW_MORE && message)
		out = put_context(out, message);
	if (row->has & ROW_ZONE)
		out = put_named(out, "zone=", row->zone);
	out = put_times(out, row, now_s);
	if (form & LINE_TIMES && row->has & ROW_START)
		out = put_time(out, "[start=", row->start_ns);
	if (form & LINE_TIMES && row->has & ROW_STOP)
		out = put_time(out, "[stop=", row->stop_ns);
	if (row->has & ROW_HELPER)
		out = put_named_text(out, "helper=", row->helper);
	if (row->has & ROW_USE)
		out = put_named(out, "use=", row->use);
	if (form & LINE_ID && row->has & ROW_ID)
		out = put_named(out, "id=", row->id);
	if (form & LINE_LABELS && row->has & ROW_LABELS)
		out = put_labels(out, row);
	return out;
}

/* Named by the last number that was asked for: a restore makes thousands in a row. */
static const char *program_name(uint32_t port)
{
	static __thread uint32_t known;
	static __thread char name[32];
	char path[32];
	FILE *file;

	if (port == known)
		return name;
	known = port;
	name[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%u/comm", port);
	file = fopen(path, "re");
	if (!file)
		return name;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	fclose(file);
	return name;
}

/* Who asked for the change, where a process did. */
static struct out put_sender(struct out out, uint32_t port)
{
	const char *name = program_name(port);

	out = put_named(put_text(out, "[USERSPACE] "), "portid=", port);
	return *name ? put_named_text(out, "progname=", name) : out;
}

static struct out put_row(struct out out, const struct table_row *row,
			  const struct nlmsghdr *message, uint32_t form, uint64_t now_s)
{
	static const char *const news[] = { "", "    [NEW] ", " [UPDATE] ", "[DESTROY] " };

	if (form & LINE_CLOCK)
		out = put_clock(out);
	if (form & LINE_NEWS)
		out = put_text(out, news[row->news & 3]);
	if (form & LINE_EXTENDED)
		out = put_text(out, row->family == 6 ? "ipv6     10 " : "ipv4     2 ");
	out = put_protocol(out, row);
	if (row->has & ROW_TIMEOUT)
		out = put_text(put_number(out, row->timeout_s), " ");
	if (row->has & ROW_STATE)
		out = put_text(put_text(out, state_word(row->protocol, row->state)), " ");
	out = put_tuple(out, row, 0);
	if (row->has & ROW_STATUS && !(row->status & IPS_SEEN_REPLY))
		out = put_text(out, "[UNREPLIED] ");
	out = put_tuple(out, row, 1);
	out = put_rest(put_status(out, row), row, message, form, now_s);
	if (form & LINE_NEWS && message && message->nlmsg_pid)
		out = put_sender(out, message->nlmsg_pid);
	/* Each field ends with a space; the last one with the line. */
	out.at[-1] = '\n';
	return out;
}

static int library_write(char *to, const struct nlmsghdr *message, uint32_t form, uint8_t news)
{
	static const unsigned types[] = { NFCT_T_UNKNOWN, NFCT_T_NEW, NFCT_T_UPDATE,
					  NFCT_T_DESTROY };
	const unsigned type = form & LINE_NEWS ? types[news & 3] : NFCT_T_UNKNOWN;
	struct nf_conntrack *ct = nfct_new();
	unsigned flags = 0;
	int bytes = -EBADMSG;

	if (!ct)
		return -ENOMEM;
	if (form & LINE_EXTENDED)
		flags |= NFCT_OF_SHOW_LAYER3;
	if (form & LINE_ID)
		flags |= NFCT_OF_ID;
	if (form & LINE_TIMES)
		flags |= NFCT_OF_TIMESTAMP;
	if (form & LINE_LABELS)
		line_labels();
	if (nfct_nlmsg_parse(message, ct) == 0)
		bytes = nfct_snprintf_labels(to, LINE_BYTES - 1, ct, type,
					     form & LINE_XML ? NFCT_O_XML : NFCT_O_DEFAULT, flags,
					     form & LINE_LABELS ? labelmap : NULL);
	nfct_destroy(ct);
	if (bytes < 0 || bytes >= LINE_BYTES - 1)
		return -EBADMSG;
	to[bytes] = '\n';
	return bytes + 1;
}

int line_write(char *to, const struct table_row *row, const struct nlmsghdr *message,
	       uint32_t form, uint64_t now_s)
{
	if (form & (LINE_XML | LINE_LIBRARY))
		return message ? library_write(to, message, form, row->news) : -EBADMSG;
	return (int)(put_row((struct out){ to }, row, message, form, now_s).at - to);
}
