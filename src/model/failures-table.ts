/** The table `failures`: what conntrack refused or lost, and why. */
import { HOOKS } from './codes.ts';
import { type Column, code, column, NULL, type Table } from './column.ts';
import { CAUSES, KNOWN_BY } from './failure-codes.ts';

function tuple(prefix: string, whose: string): Column[] {
  return [
    column(`${prefix}src`, 'address', `source address ${whose}`, NULL),
    column(`${prefix}dst`, 'address', `destination address ${whose}`, NULL),
    column(`${prefix}src_port`, 'u16', `source port ${whose}; ICMP: identifier`, NULL),
    column(`${prefix}dst_port`, 'u16', `destination port ${whose}; ICMP: type * 256 + code`, NULL),
  ];
}

export const FAILURES: Table = {
  name: 'failures',
  meaning: 'one thing that conntrack or NAT refused or lost, with its cause',
  columns: [
    column('failed_at', 'timestamp', 'when', { unit: 'ns since 1970 UTC' }),
    column('failed_ktime_ns', 'u64', 'the same by CLOCK_MONOTONIC', { unit: 'ns since boot' }),
    column('netns', 'u32', 'network namespace', { unit: 'inode' }),
    column('cpu', 'u16', 'CPU that it happened on: conntrack counts per CPU'),
    code('hook', HOOKS, 'where the packet was; null: not known', true),
    code('cause', CAUSES, 'what happened'),
    code('known_by', KNOWN_BY, 'how the cause is known'),
    column(
      'counters',
      'name',
      'what it added one to in `conntrack -S`, joined by commas; null: nothing',
      NULL,
    ),
    column(
      'text',
      'name',
      "the kernel's own words, at most 47 bytes, or an errno; null: it has none",
      NULL,
    ),
    column('family', 'u8', '4 or 6; null: the tuple is not known', {
      unit: 'IP version',
      nullable: true,
    }),
    column('protocol', 'u8', 'layer 4 protocol', {
      unit: 'IANA protocol number',
      nullable: true,
    }),
    ...tuple('', 'of the packet, or the original one of its entry; null: not known'),
    column('zone', 'u16', 'conntrack zone; null: it came to no entry', NULL),
    column('flow', 'u64', 'its flow: flows.flow; null: none', NULL),
    column('rival', 'u64', 'the other flow: it was first, or was evicted; null: none', NULL),
    ...tuple('rival_', 'of the original tuple of the rival; null: none, or not known'),
    column('rule', 'u32', 'rule that decided about the flow: rules.rule; null: none', NULL),
    column('tries', 'u32', 'tuples that NAT found taken; null: not counted', NULL),
    column('min_address', 'address', 'first address that NAT could choose; null: not told', NULL),
    column('max_address', 'address', 'last address that NAT could choose', NULL),
    column('min_port', 'u16', 'first port that NAT could choose; null: every one', NULL),
    column('max_port', 'u16', 'last port that NAT could choose', NULL),
    column('fill', 'u32', 'entries of the namespace at that time; null: not asked', NULL),
    column('limit', 'u32', 'nf_conntrack_max at that time', NULL),
  ],
};
