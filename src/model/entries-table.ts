/** The table `entries`: the conntrack table as `conntrail table` reads it, not part of a trace. */
import { ZONE_DIRECTIONS } from './codes.ts';
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

export const ENTRIES: Table = {
  name: 'entries',
  meaning: 'one entry of the conntrack table as it was read, or one of its changes',
  columns: [
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
    column('started_at', 'timestamp', 'when it began; null: conntrack notes no times', {
      unit: 'ns since 1970 UTC',
      nullable: true,
    }),
    column('ended_at', 'timestamp', 'when it ended; null: it has not, or no times are noted', {
      unit: 'ns since 1970 UTC',
      nullable: true,
    }),
    column('labels', 'name', 'bits that are set, joined by commas; null: none', NULL),
    column('helper', 'name', 'helper of the entry; null: none', NULL),
    column('expected', 'bool', 'a helper expected it'),
  ],
};
