/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CONNTRAIL_ENTRY_CODES_H
#define CONNTRAIL_ENTRY_CODES_H

/* An entry's state as its protocol keeps it; IPS_SEEN_REPLY and IPS_ASSURED are in record.status. */
enum record_state {
	STATE_NOT_TOLD = 0,
	STATE_TCP = 1,	   /* and enum tcp_conntrack: 1 to 10 */
	STATE_NO_TCP = 15, /* an entry of another protocol */
};

enum record_confirm {
	CONFIRM_NONE = 0,
	CONFIRM_INSERTED = 1,
	CONFIRM_REFUSED = 2,
	CONFIRM_MERGED = 3,
};

#endif
