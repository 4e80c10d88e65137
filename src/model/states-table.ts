/** The table `states`: each change of a conntrack entry's state. */
import { DIRECTIONS } from './codes.ts';
import { type Column, code, column, NULL, type Table } from './column.ts';
import { REPLY_STATES, TCP_STATES } from './flow-states.ts';

/** What `flows` keeps of them, as its last columns. */
export function stateColumns(): Column[] {
  const time = { unit: 'ns since 1970 UTC', nullable: true } as const;
  return [
    column(
      'replied_at',
      'timestamp',
      'IPS_SEEN_REPLY set; null: not, or not seen: states.changed_at',
      time,
    ),
    column(
      'assured_at',
      'timestamp',
      'IPS_ASSURED set; null: not, or not seen: states.changed_at',
      time,
    ),
    code('tcp_state', TCP_STATES, "TCP's state of the entry, last seen; null: not TCP", true),
    column(
      'established_at',
      'timestamp',
      'TCP: established first; null: not, or not seen: states.changed_at',
      time,
    ),
    column(
      'handshake_ns',
      'u64',
      'TCP: from the first SYN to established: states.since_first_ns of that change; null: not seen whole',
      { unit: 'ns', nullable: true },
    ),
  ];
}

export const STATES_TABLE: Table = {
  name: 'states',
  meaning: "one change of a conntrack entry's state, its beginning included",
  columns: [
    column('flow', 'u64', 'its flow: flows.flow'),
    column('netns', 'u32', 'network namespace', { unit: 'inode' }),
    column('family', 'u8', '4 or 6', { unit: 'IP version' }),
    column('protocol', 'u8', 'layer 4 protocol', { unit: 'IANA protocol number' }),
    column('src', 'address', 'source address of the original tuple'),
    column('dst', 'address', 'destination address of the original tuple'),
    column('src_port', 'u16', 'source port of the original tuple; ICMP: identifier'),
    column('dst_port', 'u16', 'destination port of the original tuple; ICMP: type * 256 + code'),
    column(
      'changed_at',
      'timestamp',
      'when the packet that made the change entered its first hook; with flows alone: when conntrack was done with it, and of a new entry when it was confirmed',
      { unit: 'ns since 1970 UTC' },
    ),
    column('ktime_ns', 'u64', 'the same by CLOCK_MONOTONIC', { unit: 'ns since boot' }),
    column(
      'since_first_ns',
      'u64',
      'how long before that the first packet entered its first hook; of a flow that is older than the trace, and with flows alone: how long before flows.first_at was',
      { unit: 'ns' },
    ),
    column(
      'packet',
      'u64',
      'packet that showed the change first: packets.packet; null: flows alone were traced',
      NULL,
    ),
    code('direction', DIRECTIONS, 'direction of that packet', true),
    code('reply_before', REPLY_STATES, 'null: the entry is new', true),
    code('reply_after', REPLY_STATES, 'IPS_SEEN_REPLY and IPS_ASSURED of the entry'),
    code('tcp_before', TCP_STATES, 'null: not TCP, or the entry is new', true),
    code('tcp_after', TCP_STATES, "TCP's state of the entry; null: not TCP", true),
  ],
};
