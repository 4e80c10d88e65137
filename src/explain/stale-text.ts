/** Stale mappings in words, and the command that deletes each entry. */
import { endText } from '../model/address.ts';
import { protocolName } from '../model/codes.ts';
import type { Entry, EntryTuple } from '../model/entry.ts';
import type { Chain, Interval, Rule, Target } from '../model/ruleset.ts';
import { hasPorts } from './asked.ts';
import type { Decision } from './evaluate.ts';
import type { Stale } from './stale.ts';
import type { Stored } from './stored.ts';

const GRE = 47;
const ICMP = new Set([1, 58]);

/** Of protocols that `conntrack -p` knows by name; the others are known by their number. */
function protocolWord(protocol: number): string {
  const name = protocolName(protocol);
  return name === 'igmp' || name === 'esp' || name === 'ah' ? String(protocol) : name;
}

/**
 * Arguments of conntrack that delete this entry and no other. `hasZones`: the
 * namespace has entries of several zones, so that zone 0 must be named too.
 */
export function deleteArguments(entry: Entry, hasZones: boolean): string[] {
  const { family, protocol, original } = entry;
  const layer4 = ['-p', protocolWord(protocol)];
  const ends = ['-s', original.src, '-d', original.dst];
  const place = ['-f', `ipv${family}`, ...layer4, ...ends];
  return [
    '-D',
    ...place,
    ...numberArguments(protocol, original),
    ...zoneArguments(entry, hasZones),
  ];
}

/** `through`: what enters the namespace, as words of a shell. */
export function deleteCommand(through: readonly string[], entry: Entry, hasZones: boolean): string {
  return [...through, 'conntrack', ...deleteArguments(entry, hasZones)].join(' ');
}

function numberArguments(protocol: number, { srcPort, dstPort }: EntryTuple): string[] {
  const [source, destination] = [String(srcPort), String(dstPort)];
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

export function entryText({ protocol, original }: Entry): string {
  const { src, dst, srcPort, dstPort } = original;
  const isPorted = hasPorts(protocol);
  const ends = `${endText(src, srcPort, isPorted)} > ${endText(dst, dstPort, isPorted)}`;
  return `${protocolName(protocol)} ${ends}`;
}

export function storedText({ manip, before, after, isMapped }: Stored): string {
  const end = manip === 'src' ? 'source' : 'destination';
  const place = ({ address, port }: Stored['after']): string =>
    endText(address, port ?? 0, port !== null);
  return isMapped
    ? `${end} ${place(before)} mapped to ${place(after)}`
    : `${end} ${place(before)} not mapped`;
}

/** `ip nat prerouting handle 4 (nft): tcp dport 2222 dnat to 10.0.2.5`. */
export function ruleName(rule: Rule, chain: Chain): string {
  const number = chain.backend === 'legacy' ? `rule ${rule.number}` : `handle ${rule.handle}`;
  const { family, table, name, backend } = chain;
  return `${family} ${table} ${name} ${number} (${backend}): ${rule.text}`;
}

export function targetText({ kind, addresses, ports }: Target): string {
  const address = addresses === null ? '' : addresses.map(intervalText).join(', ');
  const shown = address.includes(':') && ports !== null ? `[${address}]` : address;
  const port = ports === null ? '' : `:${ports.map(intervalText).join(', ')}`;
  const place = `${shown}${port}`;
  return place === '' ? kind : `${kind} to ${place}`;
}

function intervalText([first, last]: Interval): string {
  return first === last ? first : `${first}-${last}`;
}

/** What the rules would decide now, a line each. */
export function nowTexts(now: readonly Decision[]): string[] {
  return now.map(({ rule, chain, targets }) => {
    if (rule === null || chain === null) return 'null mapping: no rule holds';
    return `${targets.map(targetText).join(' or ')}, by ${ruleName(rule, chain)}`;
  });
}

export function ageText({ ageS }: Entry, isOlder: boolean): string {
  if (isOlder) return 'older than the trace';
  return ageS === null ? 'age not known' : `${ageS}s old`;
}

/** `about`: age and rate. Several lines: the entry, what it holds, what the rules would decide. */
export function staleText(stale: Stale, about: readonly string[], command: string): string {
  const { entry, kind, stored, now, hooks } = stale;
  const [first = '', ...others] = nowTexts(now);
  return [
    `${kind}: ${[entryText(entry), ...about].join(', ')}`,
    `  stored: ${storedText(stored)}`,
    `  now at ${hooks.join(' or ')}: ${first}`,
    ...others.map((text) => `    or ${text}`),
    `  delete: ${command}`,
  ].join('\n');
}
