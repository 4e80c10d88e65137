/** The table `entries`: the conntrack table as `conntrail table` reads it, not part of a trace. */
import { MAPPINGS, ZONE_DIRECTIONS } from './codes.ts';
import { type Column, code, column, NULL, type Table } from './column.ts';
import { ENTRY_NEWS } from './entry-row.ts';
import type { TableName } from './tables.ts';

/** Those of a trace, and those that are read from the kernel's tables. */
export type AnyTableName = TableName | 'entries' | 'expectations';

function tuple(suffix: string, whose: string): Column[] {
  return [
    column(`src${suffix}`, 'address', `source address of the ${whose} tuple`),
    column(`dst${suffix}`, 'address', `destination address of the ${whose} tuple`),
    column(`src_port${suffix}`, 'u16', `source port of the ${whose} tuple; ICMP: identifier`),
    column(
      `dst_port${suffix}`,
      'u16',
      `destination port of the ${whose} tuple; ICMP: type * 256 + code`,
    ),
  ];
}

const COUNTED = 'null: conntrack does not account, or did not say';

const AT = { unit: 'ns since 1970 UTC', nullable: true } as const;

const ENTRY_COLUMNS: readonly Column[] = [
  column('netns', 'u32', 'network namespace', { unit: 'inode' }),
  column('read_at', 'timestamp', 'when it was read', { unit: 'ns since 1970 UTC' }),
  code('news', ENTRY_NEWS, 'listed, or what the kernel told: new, update, destroy'),
  column('family', 'u8', '4 or 6', { unit: 'IP version' }),
  column('protocol', 'u8', 'layer 4 protocol', { unit: 'IANA protocol number' }),
  ...tuple('', 'original'),
  ...tuple('_reply', 'reply'),
  column('zone', 'u16', 'conntrack zone'),
  code(
    'zone_direction',
    ZONE_DIRECTIONS,
    'whose packets the zone is for; those of the other direction are in zone 0',
  ),
  column('mark', 'u32', 'mark of the entry'),
  column('status', 'u32', 'IPS_* bits of the entry; null: not told', NULL),
  column('state', 'name', 'state of TCP, SCTP or DCCP; null: not told', NULL),
  column('timeout_s', 'u32', 'until it ends; null: not told', { unit: 's', nullable: true }),
  column('id', 'u32', "the kernel's id of the entry; null: not told", NULL),
  column('use', 'u32', 'references to the entry; null: not told', NULL),
  column(
    'src_nat',
    'bool',
    'translated by it: replies go to another end than the source of the original tuple',
  ),
  column(
    'dst_nat',
    'bool',
    'translated by it: replies have another source than the destination of the original tuple',
  ),
  column('packets', 'u64', `packets of original direction; ${COUNTED}`, NULL),
  column('packets_reply', 'u64', `packets of reply direction; ${COUNTED}`, NULL),
  column('bytes', 'u64', `bytes of original direction; ${COUNTED}`, {
    unit: 'bytes',
    nullable: true,
  }),
  column('bytes_reply', 'u64', `bytes of reply direction; ${COUNTED}`, {
    unit: 'bytes',
    nullable: true,
  }),
  column('started_at', 'timestamp', 'when it began; null: conntrack notes no times', AT),
  column('ended_at', 'timestamp', 'when it ended; null: it has not, or no times are noted', AT),
  column('labels', 'name', 'bits that are set, joined by commas; null: none', NULL),
  column('helper', 'name', 'helper of the entry; null: none', NULL),
  column('expected', 'bool', 'a helper expected it'),
];

const UNTRACED = 'null: no trace was asked, or it does not know the entry';

function traced(name: string, meaning: string, unit = ''): Column {
  return column(name, 'u64', `${meaning}; null: not counted, or not known`, {
    nullable: true,
    unit,
  });
}

/** What a recorded trace knows of the same entry. */
const TRACE_COLUMNS: readonly Column[] = [
  column('trace_flow', 'u64', `its flow in the trace: flows.flow; ${UNTRACED}`, NULL),
  column(
    'trace_unknown',
    'name',
    'why the trace does not know it; null: it does, or none was asked',
    NULL,
  ),
  column(
    'trace_older',
    'bool',
    `the entry existed before the trace first saw it; ${UNTRACED}`,
    NULL,
  ),
  code('trace_src_nat', MAPPINGS, `who decided the mapping of manip src; ${UNTRACED}`, true),
  code('trace_dst_nat', MAPPINGS, `who decided the mapping of manip dst; ${UNTRACED}`, true),
  column('trace_src_rule', 'u32', 'rule that decided manip src: rules.rule of the trace', NULL),
  column('trace_dst_rule', 'u32', 'rule that decided manip dst: rules.rule of the trace', NULL),
  column('trace_src_rule_text', 'name', 'its place and text; null: none, or it was not read', NULL),
  column('trace_dst_rule_text', 'name', 'its place and text; null: none, or it was not read', NULL),
  traced('trace_packets', 'packets of original direction that the trace saw'),
  traced('trace_packets_reply', 'packets of reply direction that the trace saw'),
  traced('trace_bytes', 'their length', 'bytes'),
  traced('trace_bytes_reply', 'their length', 'bytes'),
  column('trace_last_at', 'timestamp', 'its last packet in the trace; null: not known', AT),
];

export const ENTRIES: Table = {
  name: 'entries',
  meaning: 'one entry of the conntrack table as it was read, or one of its changes',
  columns: [...ENTRY_COLUMNS, ...TRACE_COLUMNS],
};

/** The same without what a trace knows. */
export const ENTRIES_ALONE: Table = { ...ENTRIES, columns: ENTRY_COLUMNS };
