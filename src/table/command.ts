/** The command that finds or deletes one entry. */
import { hasPorts, protocolName } from '../model/codes.ts';
import type { Entry, EntryTuple } from '../model/entry.ts';

const GRE = 47;
const ICMP = new Set([1, 58]);
/** A kernel without their trackers knows addresses alone, and listings show the ports as 0. */
export const MAYBE_ALONE: ReadonlySet<number> = new Set([33, 132, 136]);

/** Of protocols that `conntrack -p` knows by name; the others are known by their number. */
function protocolWord(protocol: number): string {
  const name = protocolName(protocol);
  return name === 'igmp' || name === 'esp' || name === 'ah' ? String(protocol) : name;
}

/**
 * Options of conntrack(8) that name this entry and no other. `hasZones`: the
 * namespace may have entries of several zones, so that zone 0 must be named too.
 */
export function nameOptions(entry: Entry, hasZones: boolean): string[] {
  const { family, protocol, original } = entry;
  const layer4 = ['-p', protocolWord(protocol)];
  const ends = ['-s', original.src, '-d', original.dst];
  const place = ['-f', `ipv${family}`, ...layer4, ...ends];
  return [...place, ...numberArguments(protocol, original), ...zoneArguments(entry, hasZones)];
}

/** `through`: what enters the namespace, as words of a shell. */
export function deleteCommand(through: readonly string[], entry: Entry, hasZones: boolean): string {
  return commandOf(through, 'delete', entry, hasZones);
}

export function lookCommand(through: readonly string[], entry: Entry, hasZones: boolean): string {
  return commandOf(through, 'list', entry, hasZones);
}

/** conntrack(8) takes keys of GRE and does not compare them: it would find all of the two ends. */
function commandOf(
  through: readonly string[],
  kind: 'list' | 'delete',
  entry: Entry,
  hasZones: boolean,
): string {
  const own = ['conntrail', 'table', kind];
  const tool = entry.protocol === GRE ? own : ['conntrack', kind === 'list' ? '-L' : '-D'];
  return [...through, ...tool, ...nameOptions(entry, hasZones)].join(' ');
}

function numberArguments(protocol: number, { srcPort, dstPort }: EntryTuple): string[] {
  const [source, destination] = [String(srcPort), String(dstPort)];
  if (MAYBE_ALONE.has(protocol) && srcPort === 0 && dstPort === 0) return [];
  if (hasPorts(protocol)) return ['--sport', source, '--dport', destination];
  if (protocol === GRE) return ['--srckey', source, '--dstkey', destination];
  if (!ICMP.has(protocol)) return [];
  const prefix = protocol === 1 ? '--icmp' : '--icmpv6';
  const [type, code] = [String(dstPort >> 8), String(dstPort & 255)];
  return [`${prefix}-type`, type, `${prefix}-code`, code, `${prefix}-id`, source];
}

/** `-w 0` alone would also find entries that have another zone in one direction. */
function zoneArguments({ zones }: Entry, hasZones: boolean): string[] {
  const [original, reply] = zones.map(String) as [string, string];
  if (original === reply && original !== '0') return ['-w', original];
  if (original === reply && !hasZones) return [];
  return ['-w', '0', '--orig-zone', original, '--reply-zone', reply];
}
