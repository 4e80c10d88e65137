/**
 * The tables: one definition from which come the row layout that `rebuild/`
 * fills (row-layout.ts), the Arrow schema, and docs/schema.md.
 */
import {
  CONFIRMS,
  DECISIONS,
  DIRECTIONS,
  ENDS,
  HOOKS,
  MAPPINGS,
  PROBES,
  STATES,
  VERDICTS,
  ZONE_DIRECTIONS,
} from './codes.ts';
import { type Column, code, column, NULL, type Table } from './column.ts';
import { FAILURES } from './failures-table.ts';
import { RULES } from './rules-table.ts';
import { STATES_TABLE, stateColumns } from './states-table.ts';

export type { Column, ColumnType, Table } from './column.ts';
export { FAILURES, RULES, STATES_TABLE };

/** Major.minor: a reader of an older minor version keeps working. */
export const SCHEMA_VERSION = '1.2';

function tupleColumns(suffix: string, whose: string): Column[] {
  return [
    column(`src${suffix}`, 'address', `source address ${whose}`),
    column(`dst${suffix}`, 'address', `destination address ${whose}`),
    column(`src_port${suffix}`, 'u16', `source port ${whose}; ICMP: identifier`),
    column(`dst_port${suffix}`, 'u16', `destination port ${whose}; ICMP: type * 256 + code`),
  ];
}

function hookColumns(): Column[] {
  return HOOKS.flatMap((hook) => [
    column(`${hook}_at`, 'timestamp', `entered ${hook}; null: not on its way`, {
      unit: 'ns since 1970 UTC',
      nullable: true,
    }),
    column(`${hook}_ns`, 'u32', `time spent inside ${hook}, saturating`, {
      unit: 'ns',
      nullable: true,
    }),
    column(`${hook}_chains`, 'bool', `a nat chain was evaluated for it at ${hook}`, NULL),
    column(`${hook}_rewritten`, 'bool', `it left ${hook} with another tuple`, NULL),
  ]);
}

export const PACKETS: Table = {
  name: 'packets',
  meaning: 'one traversal: one packet from first sight to its end in one network namespace',
  columns: [
    column('packet', 'u64', 'number of the packet in this trace, by the order of its end'),
    column('netns', 'u32', 'network namespace', { unit: 'inode' }),
    column('cpu', 'u16', 'CPU that ran the first visit'),
    column('flow', 'u64', 'its flow: flows.flow; null: no entry', NULL),
    code('direction', DIRECTIONS, 'direction within the flow', true),
    code(
      'state',
      STATES,
      'conntrack state when the packet left its last visit; none: no entry, and it was dropped or taken for a fragment where it began, or conntrack was not at work',
    ),
    column('family', 'u8', '4 or 6', { unit: 'IP version' }),
    column('protocol', 'u8', 'layer 4 protocol', { unit: 'IANA protocol number' }),
    ...tupleColumns('', 'as the packet came'),
    ...tupleColumns('_after', 'as the packet left'),
    column('length', 'u32', 'length at first sight, link header excluded', { unit: 'bytes' }),
    column('mark', 'u32', 'packet mark when it left its last visit'),
    column('in_ifindex', 'u32', 'interface it came in by', NULL),
    column('out_ifindex', 'u32', 'interface it left by', NULL),
    column('started_at', 'timestamp', 'entered its first visit', { unit: 'ns since 1970 UTC' }),
    column('started_ktime_ns', 'u64', 'the same by CLOCK_MONOTONIC', { unit: 'ns since boot' }),
    ...hookColumns(),
    code('last_hook', HOOKS, 'hook of the last visit'),
    code(
      'verdict',
      VERDICTS,
      'verdict of the last visit; queue: it waited for user space when the trace ended; stolen also stands for a fragment that was taken to wait for the others',
    ),
    code('src_nat', DECISIONS, 'who decided about the source'),
    code('dst_nat', DECISIONS, 'who decided about the destination'),
    column('chain_runs', 'u8', 'visits in which a nat chain was evaluated'),
    code('confirm', CONFIRMS, 'what confirmation made of the flow in this packet'),
    column('drop_reason', 'name', "the kernel's, before 5.17 UNKNOWN; null: not dropped", NULL),
    column('drop_location', 'name', 'kernel function that freed it', NULL),
    column('complete', 'bool', 'false: torn, kept by a hook, or under way when the trace ended'),
    code(
      'queued_hook',
      HOOKS,
      'hook at which it was handed to user space (NFQUEUE), the last one of several; the time inside that hook has the wait in it; null: at none',
      true,
    ),
    column(
      'segments',
      'u16',
      'packets of the wire that it stands for: of what GRO put together, or what the device is to take apart; 1 where it is no longer than 1500 bytes',
    ),
  ],
};

export const FLOWS: Table = {
  name: 'flows',
  meaning: 'one conntrack entry, as far as the trace saw it',
  columns: [
    column('flow', 'u64', 'number of the flow in this trace'),
    column('netns', 'u32', 'network namespace', { unit: 'inode' }),
    column('zone', 'u16', 'conntrack zone'),
    column('family', 'u8', '4 or 6', { unit: 'IP version' }),
    column('protocol', 'u8', 'layer 4 protocol', { unit: 'IANA protocol number' }),
    ...tupleColumns('', 'of the original tuple'),
    ...tupleColumns('_reply', 'of the reply tuple'),
    column('mark', 'u32', 'mark of the entry, last seen'),
    column('status', 'u32', 'IPS_* bits of the entry, last seen'),
    column('older', 'bool', 'true: the entry existed before it was first seen'),
    column('first_at', 'timestamp', 'first sight', { unit: 'ns since 1970 UTC' }),
    column('first_ktime_ns', 'u64', 'the same by CLOCK_MONOTONIC', { unit: 'ns since boot' }),
    column('confirmed_at', 'timestamp', 'put into the table; null: not seen', {
      unit: 'ns since 1970 UTC',
      nullable: true,
    }),
    column('ended_at', 'timestamp', 'left the table; null: still there when the trace ended', {
      unit: 'ns since 1970 UTC',
      nullable: true,
    }),
    code('confirm', CONFIRMS, 'what confirmation made of it'),
    code('end', ENDS, 'how it ended'),
    code('src_nat', MAPPINGS, 'who decided the mapping of manip src'),
    code('dst_nat', MAPPINGS, 'who decided the mapping of manip dst'),
    column(
      'packets',
      'u64',
      'packets of original direction, seen in the trace; with flows alone: conntrack counted them',
    ),
    column(
      'packets_reply',
      'u64',
      'packets of reply direction, seen in the trace; with flows alone: conntrack counted them',
    ),
    column('bytes', 'u64', 'their length', { unit: 'bytes' }),
    column('bytes_reply', 'u64', 'their length', { unit: 'bytes' }),
    column('chain_packets', 'u64', 'of all packets, those for which a nat chain ran'),
    column('mapped_packets', 'u64', 'of all packets, those rewritten from the stored mapping'),
    column('entry', 'u64', 'address of the nf_conn: evidence only, the kernel reuses it'),
    column('complete', 'bool', 'false: records about this flow were lost or came too late'),
    column(
      'src_rule',
      'u32',
      'rule that decided manip src: rules.rule; null: none, or not seen',
      NULL,
    ),
    column(
      'dst_rule',
      'u32',
      'rule that decided manip dst: rules.rule; null: none, or not seen',
      NULL,
    ),
    ...stateColumns(),
    column(
      'parent',
      'u64',
      'flow whose helper expected this one: flows.flow; null: none did, or the trace has no record of that one',
      NULL,
    ),
    code(
      'zone_direction',
      ZONE_DIRECTIONS,
      'whose packets the zone is for; those of the other direction are in zone 0',
    ),
  ],
};

export const LOSSES: Table = {
  name: 'losses',
  meaning: 'the ledger: what became of the records of one probe on one CPU',
  columns: [
    column('cpu', 'u16', 'CPU'),
    code('probe', PROBES, 'kind of record'),
    column('sent', 'u64', 'records the probe wanted to send', { unit: 'records' }),
    column('delivered', 'u64', 'of those, read from the ring', { unit: 'records' }),
    column('ring_full', 'u64', 'of those, lost because the ring was full', { unit: 'records' }),
    column('calls_full', 'u64', 'calls not followed: the map of open calls was full'),
    column('missed_return', 'u64', 'calls whose return was never seen'),
    column('missed_entry', 'u64', 'returns whose call was never seen'),
    column('flows_full', 'u64', 'flows not remembered: the map of flows refused them'),
    column(
      'recursion',
      'u64',
      'probe runs that the kernel skipped; null: it does not count them',
      NULL,
    ),
    column('evicted', 'u64', 'packets or flows given up because a table of ours was full'),
  ],
};

export const TABLES: readonly Table[] = [PACKETS, FLOWS, RULES, LOSSES, STATES_TABLE, FAILURES];
export type TableName = 'packets' | 'flows' | 'rules' | 'losses' | 'states' | 'failures';
