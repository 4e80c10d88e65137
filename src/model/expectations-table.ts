/** The table `expectations`: the flows that helpers expect, as `conntrail table` reads them. */
import { DIRECTIONS } from './codes.ts';
import { type Column, code, column, NULL, type Table } from './column.ts';
import { ENTRY_NEWS } from './entry-row.ts';

function tuple(prefix: string, whose: string, none: string): Column[] {
  const port = (name: string): Column =>
    column(`${prefix}${name}`, 'u16', `${name.replace('_', ' ')} of ${whose}; ${none}`, NULL);
  return [
    column(`${prefix}src`, 'address', `source address of ${whose}`),
    column(`${prefix}dst`, 'address', `destination address of ${whose}`),
    port('src_port'),
    port('dst_port'),
  ];
}

const NO_PORTS = 'null: a protocol without ports';

export const EXPECTATIONS: Table = {
  name: 'expectations',
  meaning: 'one flow that a helper expects as it was read, or one of its changes',
  columns: [
    column('netns', 'u32', 'network namespace', { unit: 'inode' }),
    column('read_at', 'timestamp', 'when it was read', { unit: 'ns since 1970 UTC' }),
    code('news', ENTRY_NEWS, 'listed, or what the kernel told: new, update, destroy'),
    column('family', 'u8', '4 or 6', { unit: 'IP version' }),
    column('protocol', 'u8', 'layer 4 protocol', { unit: 'IANA protocol number' }),
    ...tuple('', 'the flow to come', 'null: it may be any'),
    ...tuple('mask_', 'the bits that must fit', NO_PORTS),
    ...tuple('master_', 'the original tuple of the entry that expects it', NO_PORTS),
    column('zone', 'u16', 'conntrack zone'),
    column('timeout_s', 'u32', 'until it ends; null: not told', { unit: 's', nullable: true }),
    column('id', 'u32', "the kernel's id of it; null: not told", NULL),
    column('class', 'u32', "which of its helper's kinds; null: not told", NULL),
    column('helper', 'name', 'helper that expects it; null: none', NULL),
    column('permanent', 'bool', 'it stays when a flow has fulfilled it'),
    column('inactive', 'bool', 'packets do not fulfil it yet'),
    column('userspace', 'bool', 'a program made it'),
    column('nat_address', 'address', 'where NAT sends the flow; null: nowhere else', NULL),
    column('nat_port', 'u16', 'to which port; null: as it comes', NULL),
    code(
      'nat_direction',
      DIRECTIONS,
      'of the master, in which the flow comes; null: not told',
      true,
    ),
  ],
};
