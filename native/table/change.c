// SPDX-License-Identifier: GPL-2.0
/* Entries asked for and changed: rows to messages, answers to errors. */
#include <errno.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>
#include <sys/socket.h>

#include "build.h"
#include "socket.h"

/* Messages on their way at once: their answers fit any socket's buffer. */
#define BATCH	      64
#define MESSAGE_BYTES 1024

/*
 * Reads the answers, which are all there once the messages are sent; errors by
 * sequence number, from `first` on. Whoever may not change entries gets one
 * -EPERM for all (nfnetlink_rcv()). Among several answers to updates it is of one
 * entry: its timeout is fixed.
 */
static int take_answers(struct table *table, uint32_t first, uint32_t wanted, uint32_t kind,
			int32_t *errors)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < wanted; i++)
		errors[i] = EBADMSG; /* until its answer comes */
	while (seen < wanted) {
		const struct nlmsghdr *message;
		int bytes, left;

		table->at = table->filled = 0;
		bytes = left = datagram_take(table, MSG_DONTWAIT);
		if (bytes < 0)
			return bytes;
		if (bytes == 0)
			return seen == 1 && errors[0] == EPERM ? -EPERM : 0;
		message = (const void *)table->messages;
		for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
			const struct nlmsgerr *answer = mnl_nlmsg_get_payload(message);
			const uint32_t index = message->nlmsg_seq - first;

			if (message->nlmsg_type != NLMSG_ERROR || index >= wanted ||
			    message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*answer))
				continue;
			if (answer->error == -EPERM && kind != TABLE_UPDATE)
				return -EPERM;
			errors[index] = -answer->error;
			seen++;
		}
	}
	return 0;
}

static const struct {
	uint16_t type, flags;
} kinds[] = {
	[TABLE_INSERT] = { IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL },
	[TABLE_UPDATE] = { IPCTNL_MSG_CT_NEW, 0 },
	[TABLE_DELETE] = { IPCTNL_MSG_CT_DELETE, 0 },
};

static void build(struct nlmsghdr *message, const struct table_row *row,
		  const struct table_call *call)
{
	const struct expect_row *expectation = (const struct expect_row *)row;

	if (call->kind == TABLE_EXPECTATIONS && call->form == TABLE_DELETE)
		expect_name(message, expectation);
	else if (call->kind == TABLE_EXPECTATIONS)
		expect_build(message, expectation);
	else if (call->form == TABLE_DELETE)
		build_name(message, row);
	else
		build_entry(message, row, call->form == TABLE_INSERT);
}

static int change_batch(const struct table_call *call, const struct table_row *rows,
			uint32_t count, int32_t *errors)
{
	_Alignas(8) static __thread uint8_t memory[BATCH * MESSAGE_BYTES];
	struct table *table = table_of(call);
	const uint32_t first = table->sequence + 1;
	size_t bytes = 0;
	int error;

	for (uint32_t i = 0; i < count; i++) {
		struct nlmsghdr *message = message_begin(
			table, memory + bytes, type_in(call, kinds[call->form].type),
			(uint16_t)(kinds[call->form].flags | NLM_F_ACK), rows[i].family);

		build(message, &rows[i], call);
		bytes += MNL_ALIGN(message->nlmsg_len);
	}
	error = message_send(table, memory, bytes);
	return error < 0 ? error : take_answers(table, first, count, call->form, errors);
}

int table_change(struct table_call *call)
{
	int32_t *errors = (int32_t *)(uintptr_t)call->chosen;

	if (call->form > TABLE_DELETE)
		return -EINVAL;
	for (uint32_t done = 0; done < call->count; done += BATCH) {
		const uint32_t left = call->count - done;
		int error = change_batch(call, rows_of(call) + done, left < BATCH ? left : BATCH,
					 errors + done);

		if (error < 0)
			return error;
	}
	return 0;
}

/* Sends one message with an answer that holds something, and leaves it in `messages`. */
static int ask(struct table *table, struct nlmsghdr *message)
{
	int error = message_send(table, message, message->nlmsg_len);
	const struct nlmsghdr *answer = (const void *)table->messages;
	int bytes;

	if (error < 0)
		return error;
	do {
		table->at = table->filled = 0;
		bytes = datagram_take(table, 0);
		if (bytes < 0)
			return bytes;
		if (!mnl_nlmsg_ok(answer, bytes))
			return -EBADMSG;
	} while (answer->nlmsg_seq != message->nlmsg_seq);
	if (answer->nlmsg_type != NLMSG_ERROR)
		return 0;
	if (answer->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(struct nlmsgerr))
		return -EBADMSG;
	return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(answer))->error;
}

int table_get(struct table_call *call)
{
	_Alignas(8) uint8_t memory[MESSAGE_BYTES];
	struct table *table = table_of(call);
	struct table_row *row = rows_of(call);
	struct nlmsghdr *message =
		message_begin(table, memory, type_in(call, IPCTNL_MSG_CT_GET), 0, row->family);
	int error;

	if (call->kind == TABLE_EXPECTATIONS)
		expect_name(message, (const struct expect_row *)row);
	else
		build_name(message, row);
	error = ask(table, message);
	if (error < 0)
		return error;
	if (message_read(row, (const void *)table->messages) < 0)
		return -EBADMSG;
	row->message = 0;
	row->news = ROW_LISTED;
	return 0;
}

int table_flush(struct table_call *call)
{
	_Alignas(8) uint8_t memory[64];
	struct nlmsghdr *message = message_begin(table_of(call), memory,
						 type_in(call, IPCTNL_MSG_CT_DELETE), NLM_F_ACK,
						 (uint8_t)call->form);

	return ask(table_of(call), message);
}

int table_count(struct table_call *call)
{
	_Alignas(8) uint8_t memory[64];
	struct table *table = table_of(call);
	struct nlmsghdr *message = message_begin(
		table, memory, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET_STATS, 0, 0);
	const struct nlattr *attr;
	int error = ask(table, message);

	if (error < 0)
		return error;
	mnl_attr_for_each(attr, (const struct nlmsghdr *)table->messages, 4)
		if (mnl_attr_get_type(attr) == CTA_STATS_GLOBAL_ENTRIES &&
		    mnl_attr_get_payload_len(attr) >= 4)
			return (int)be32toh(mnl_attr_get_u32(attr));
	return -EBADMSG;
}
