// SPDX-License-Identifier: GPL-2.0
/* One global per type of record.h, so that BTF keeps them all: src/wire/layout.ts is made from it. */
#include <linux/types.h>
#include "record.h"

struct record layout_record;
struct filter_terms layout_filter_terms;
struct pcap_view layout_pcap_view;
struct counters layout_counters;
enum record_kind layout_record_kind;
enum record_flag layout_record_flag;
enum record_ctinfo layout_record_ctinfo;
enum record_failure layout_record_failure;
enum record_failure_flag layout_record_failure_flag;
enum record_seen layout_record_seen;
enum record_confirm layout_record_confirm;
enum record_state layout_record_state;
enum record_rule layout_record_rule;
enum record_rule_kind layout_record_rule_kind;
