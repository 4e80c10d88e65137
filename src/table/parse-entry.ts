/** Fields of any form to an entry: each is checked, and what contradicts another is refused. */
import { addressValue, canonicalAddress } from '../model/address.ts';
import { hasPorts } from '../model/codes.ts';
import type { Both, Entry, EntryTuple } from '../model/entry.ts';
import { TraceError } from '../model/error.ts';
import { inverted } from './invert.ts';
import { missingNumber, refuseImpossible } from './parse-checks.ts';
import type { Change, EntryFields, Form, SideFields } from './parse-fields.ts';
import { shown } from './parse-tokens.ts';

/** An entry, and all else that its listing said. What a form does not tell is null. */
export interface EntryRecord {
  readonly kind: 'entry';
  readonly form: Form;
  /** Of an event; null: a line of a listing. */
  readonly change: Change | null;
  /** When, as `-o timestamp` wrote it: seconds since 1970, or local time. */
  readonly at: string | null;
  readonly entry: Entry;
  /** TCP, SCTP and DCCP, as conntrack names it. */
  readonly state: string | null;
  readonly isReplied: boolean;
  /** Null where [OFFLOAD] stands in its place. */
  readonly isAssured: boolean | null;
  readonly offload: 'software' | 'hardware' | null;
  readonly labels: readonly string[] | null;
  readonly helper: string | null;
  readonly use: number | null;
  readonly id: number | null;
  readonly secmark: number | null;
  readonly secctx: string | null;
  /** As written; of XML and JSON nanoseconds since 1970. */
  readonly startedAt: string | null;
  readonly stoppedAt: string | null;
  /** Netlink port of the program that made the change; null: the kernel did, or it is not told. */
  readonly portid: number | null;
  /**
   * False: no ports, keys or numbers of ICMP are told. XML has none of ICMP, a kernel
   * without the protocol's tracker knows addresses alone, arguments may leave them out.
   */
  readonly hasNumbers: boolean;
  /** Flags besides those above, and words that no known version writes. */
  readonly more: readonly string[];
}

const GRE = 47;
const ICMP: ReadonlySet<number> = new Set([1, 58]);
const KNOWN_FLAGS = ['UNREPLIED', 'ASSURED', 'OFFLOAD', 'HW_OFFLOAD', 'SEEN_REPLY', 'EXPECTED'];
const TELLS_EXPECTED: ReadonlySet<Form> = new Set(['save', 'json']);
/** Said of an event, or of nothing: no flags of the entry. */
const NO_FLAGS = ['USERSPACE', 'UNSET'];

/** Throws a `corrupt` TraceError that names the field. */
export function entryOf(fields: EntryFields): EntryRecord {
  const { form, flags, others } = fields;
  const entry = plainEntry(fields);
  refuseImpossible(fields, entry.protocol);
  const labels = others.get('labels');
  const offload = flags.has('HW_OFFLOAD') ? 'hardware' : flags.has('OFFLOAD') ? 'software' : null;
  return {
    kind: 'entry',
    form,
    change: fields.change,
    at: fields.at,
    entry,
    state: fields.state ?? null,
    isReplied: form === 'save' ? flags.has('SEEN_REPLY') : !flags.has('UNREPLIED'),
    isAssured: flags.has('ASSURED') || (offload === null ? false : null),
    offload,
    labels: labels === undefined ? null : labels.split(',').filter((one) => one !== ''),
    helper: others.get('helper') ?? null,
    use: whole(others, 'use'),
    id: whole(others, 'id'),
    secmark: whole(others, 'secmark'),
    secctx: others.get('secctx') ?? null,
    startedAt: others.get('start') ?? null,
    stoppedAt: others.get('stop') ?? null,
    portid: whole(others, 'portid'),
    hasNumbers: missingNumber(fields, entry.protocol) === undefined,
    more: [...flagsOf(fields).filter((flag) => !KNOWN_FLAGS.includes(flag)), ...fields.more],
  };
}

/** The same without what only a listing says. */
export function plainEntry(fields: EntryFields): Entry {
  const { original, reply, others, timeout } = fields;
  const protocol = number('protocol', fields.protocol, 255);
  const first = tupleOf('original', protocol, original);
  const second = replyOf(protocol, first, reply, original);
  const zone = whole(others, 'zone', 0xffff) ?? 0;
  return {
    family: familyOf(fields.family, [first, second]),
    protocol,
    original: first,
    reply: second,
    zones: [
      whole(original, 'zone-orig', 0xffff) ?? zone,
      whole(reply, 'zone-reply', 0xffff) ?? zone,
    ],
    mark: whole(others, 'mark', 0xffff_ffff) ?? 0,
    isExpected: TELLS_EXPECTED.has(fields.form) ? fields.flags.has('EXPECTED') : null,
    status: statusText(fields),
    timeoutS: timeout === undefined ? null : number('timeout', timeout.replace(/^-/, '')),
    packets: bothOf(fields, 'packets'),
    bytes: bothOf(fields, 'bytes'),
    ageS: whole(others, 'delta-time'),
  };
}

/** Arguments of conntrack tell type and code of ICMP once, of the original direction. */
function replyOf(protocol: number, first: EntryTuple, reply: SideFields, original: SideFields) {
  const tuple = tupleOf('reply', protocol, reply);
  const isUntold = ICMP.has(protocol) && !reply.has('type') && original.has('type');
  if (!isUntold) return tuple;
  const { srcPort, dstPort } = inverted(protocol, first);
  return { src: tuple.src, dst: tuple.dst, srcPort, dstPort };
}

function flagsOf({ flags }: EntryFields): string[] {
  return [...flags].filter((flag) => !NO_FLAGS.includes(flag));
}

/** As a line writes it: the state, then the flags in their order. */
function statusText(fields: EntryFields): string {
  const { state } = fields;
  const marks = flagsOf(fields).map((flag) => `[${flag}]`);
  return [...(state === undefined ? [] : [state]), ...marks].join(' ');
}

function tupleOf(direction: string, protocol: number, side: SideFields): EntryTuple {
  const src = addressOf(direction, side, 'src');
  const dst = addressOf(direction, side, 'dst');
  if (ICMP.has(protocol)) {
    const kind = (whole(side, 'type', 255) ?? 0) * 256 + (whole(side, 'code', 255) ?? 0);
    return { src, dst, srcPort: whole(side, 'id', 0xffff) ?? 0, dstPort: kind };
  }
  const [one, other] = protocol === GRE ? KEYS : PORTS;
  if (protocol !== GRE && !hasPorts(protocol)) return { src, dst, srcPort: 0, dstPort: 0 };
  const srcPort = whole(side, one, 0xffff) ?? 0;
  return { src, dst, srcPort, dstPort: whole(side, other, 0xffff) ?? 0 };
}

const KEYS = ['srckey', 'dstkey'] as const;
const PORTS = ['sport', 'dport'] as const;

function addressOf(direction: string, side: SideFields, name: string): string {
  const text = side.get(name);
  if (text === undefined) throw wrong(`no ${name}= of the ${direction} direction`, 'an address');
  if (addressValue(text) === undefined) throw wrong(`${name}=${shown(text)}`, 'an address');
  return canonicalAddress(text);
}

/** Of the addresses, where the form does not tell; all of one entry are of one. */
function familyOf(told: string | undefined, tuples: readonly EntryTuple[]): 4 | 6 {
  const isV6 = tuples[0]?.src.includes(':') ?? false;
  const family = isV6 ? 6 : 4;
  const isMixed = tuples.some(
    ({ src, dst }) => src.includes(':') !== isV6 || dst.includes(':') !== isV6,
  );
  if (isMixed) throw wrong('addresses of IPv4 and IPv6', 'addresses of one family');
  if (told === undefined || Number(told) === family) return family;
  throw wrong(`ipv${shown(told)} with addresses of IPv${family}`, 'addresses of one family');
}

function bothOf({ original, reply }: EntryFields, name: string): Both | null {
  const [first, second] = [whole(original, name), whole(reply, name)];
  return first === null || second === null ? null : [first, second];
}

function whole(from: ReadonlyMap<string, string>, name: string, most?: number): number | null {
  const text = from.get(name);
  return text === undefined ? null : number(name, text, most);
}

/** Decimal, or hexadecimal as keys of GRE are. */
export function number(name: string, text: string, most = Number.POSITIVE_INFINITY): number {
  const value = /^(\d{1,20}|0x[0-9a-f]{1,8})$/i.test(text) ? Number(text) : Number.NaN;
  if (value <= most) return value;
  const range = most === Number.POSITIVE_INFINITY ? 'a whole number' : `a number up to ${most}`;
  throw wrong(`${name}=${shown(text)}`, range);
}

function wrong(found: string, needed: string): TraceError {
  return new TraceError('corrupt', `found ${found}, needed ${needed}`);
}
