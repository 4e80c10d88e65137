/** What NAT an entry shows: its reply tuple beside the original one, inverted. */
import { endText } from '../model/address.ts';
import { hasPorts } from '../model/codes.ts';
import type { Entry } from '../model/entry.ts';
import type { Manip } from '../model/ruleset.ts';
import { storedMapping } from './mapping.ts';
import type { EntryRecord } from './parse-entry.ts';

/** One end of a flow. `port`: of ICMP the identifier, of GRE the key; null: the protocol has none there. */
export interface End {
  readonly address: string;
  readonly port: number | null;
}

export interface Rewritten {
  readonly manip: Manip;
  readonly before: End;
  readonly after: End;
  readonly changes: 'address' | 'port' | 'both';
}

const GRE = 47;

/** An entry, and whether its ports are told. */
export type Told = Pick<EntryRecord, 'entry' | 'hasNumbers'>;

/** Empty: no NAT is in force. */
export function rewrittenEnds({ entry, hasNumbers }: Told): Rewritten[] {
  return (['src', 'dst'] as const).flatMap((manip): Rewritten[] => {
    const stored = storedMapping(entry, manip);
    const [before, after] = hasNumbers ? portsOf(entry, manip) : [null, null];
    const isMoved = stored.before.address !== stored.after.address;
    const isRenumbered = before !== after;
    if (!isMoved && !isRenumbered) return [];
    const changes = isMoved ? (isRenumbered ? 'both' : 'address') : 'port';
    return [
      {
        ...{ manip, changes },
        before: { address: stored.before.address, port: before },
        after: { address: stored.after.address, port: after },
      },
    ];
  });
}

/** Replies of ICMP carry the identifier of the request in the same place. */
function portsOf({ protocol, original, reply }: Entry, manip: Manip) {
  if (hasPorts(protocol) || protocol === GRE) {
    return manip === 'src'
      ? ([original.srcPort, reply.dstPort] as const)
      : ([original.dstPort, reply.srcPort] as const);
  }
  const isNumbered = (protocol === 1 || protocol === 58) && manip === 'src';
  return isNumbered ? ([original.srcPort, reply.srcPort] as const) : ([null, null] as const);
}

/** `source NAT to 192.168.1.2 and destination NAT to 10.0.0.5:8080`; `no NAT`. */
export function natTitle(told: Told): string {
  const ends = rewrittenEnds(told);
  return ends.length === 0 ? 'no NAT' : ends.map((end) => shortText(end, told.entry)).join(' and ');
}

function shortText({ manip, after, changes }: Rewritten, { protocol }: Entry): string {
  const word = manip === 'src' ? 'source' : 'destination';
  const number = numberWord(protocol);
  if (changes === 'port') return `${word} ${number} changed to ${after.port}`;
  const isShown = changes === 'both' && hasPorts(protocol);
  const place = endText(after.address, after.port ?? 0, isShown);
  const more = changes === 'both' && !isShown ? `, ${number} ${after.port}` : '';
  return `${word} NAT to ${place}${more}`;
}

/** What the protocol has in place of ports. */
function numberWord(protocol: number): string {
  if (protocol === 1 || protocol === 58) return 'identifier';
  return protocol === GRE ? 'key' : 'port';
}

/** A line for each end, with what may have made it. */
export function natTexts(told: Told & Pick<EntryRecord, 'change'>): string[] {
  const ends = rewrittenEnds(told);
  if (ends.length === 0) {
    const none = 'no NAT: the reply tuple is the original one inverted';
    if (told.change === 'destroy') return [none];
    return [
      `${none}; that decision is stored, too, and a rule loaded later is not asked about this flow`,
    ];
  }
  const isBoth = ends.length === 2;
  return ends.map((end, index) => {
    const both = isBoth && index === 0 ? ', and both ends are rewritten' : '';
    return `${fullText(end, told.entry)}${both}`;
  });
}

function fullText(end: Rewritten, { protocol }: Entry): string {
  const { manip, before, after, changes } = end;
  const number = numberWord(protocol);
  const word = manip === 'src' ? 'source' : 'destination';
  const kept = before.port === null ? '' : `, the ${number} ${before.port} is kept`;
  const moved = `${before.address} becomes ${after.address}`;
  const renumbered = `${number} ${before.port} becomes ${after.port}`;
  switch (changes) {
    case 'address':
      return `${word} NAT: ${moved}${kept}; ${makersOf(end)}`;
    case 'both':
      return `${word} NAT: ${moved}, ${renumbered}; ${makersOf(end)}`;
    default:
      return `${word} ${number} only: ${renumbered}, the address is kept; ${makersOf(end)}`;
  }
}

/** The entry holds a result, never the rule. */
function makersOf({ manip, changes }: Rewritten): string {
  if (manip === 'dst')
    return changes === 'port' ? 'by redirect, or dnat to a port' : 'by dnat or redirect';
  if (changes === 'address') return 'by snat or masquerade';
  const taken = 'the kernel takes another where a flow has the first already';
  return changes === 'port'
    ? `by a rule, or without one: ${taken}`
    : `by snat or masquerade: ${taken}`;
}
