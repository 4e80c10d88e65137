/** What an entry that was read must have, and cannot have. */
import { hasPorts, PROTOCOLS, protocolName } from '../model/codes.ts';
import { TraceError } from '../model/error.ts';
import { ENTRY_STATES } from './entry-values.ts';
import type { EntryFields } from './parse-fields.ts';
import { shown } from './parse-tokens.ts';

const GRE = 47;
const ICMP: ReadonlySet<number> = new Set([1, 58]);
const KEYS = ['srckey', 'dstkey'];
const PORTS = ['sport', 'dport'];

/** Throws a `corrupt` TraceError for what no kernel has, and nothing prints. */
export function refuseImpossible(fields: EntryFields, protocol: number): void {
  const { form, state, timeout, original, reply } = fields;
  const name = protocolName(protocol);
  if (state !== undefined && !STATEFUL.has(protocol)) {
    throw wrong(`state ${shown(state)} of ${name}`, 'none: only tcp, sctp and dccp have states');
  }
  const states = [...(ENTRY_STATES[protocol] ?? []), 'LISTEN']; // of old for SYN_SENT2
  if (state !== undefined && !states.includes(state.toUpperCase())) {
    throw wrong(`state ${shown(state)} of ${name}`, `one of ${states.slice(0, -1).join(', ')}`);
  }
  refuseOtherName(fields.name, protocol);
  if (timeout?.startsWith('-')) throw wrong(`timeout ${shown(timeout)}`, 'seconds, 0 or more');
  if (form === 'xml' || form === 'save') return;
  const missing = missingNumber(fields, protocol);
  const isSome = numberNames(protocol).some((one) => original.has(one) || reply.has(one));
  if (missing === undefined || !(isSome || ALWAYS_TRACKED.has(protocol))) return;
  throw wrong(`${name} without ${missing}=`, 'both ends of both directions');
}

/** conntrack writes both, and `unknown` for what it has no name for. */
function refuseOtherName(name: string | undefined, protocol: number): void {
  const number = Object.entries(PROTOCOLS).find(([, known]) => known === name?.toLowerCase())?.[0];
  if (number === undefined || Number(number) === protocol) return;
  throw wrong(`${name} with the number ${protocol}`, `${name} ${number}, or another name`);
}

const STATEFUL: ReadonlySet<number> = new Set([6, 33, 132]);
/** Those that no kernel can be built without. */
const ALWAYS_TRACKED: ReadonlySet<number> = new Set([1, 6, 17, 58]);

function numberNames(protocol: number): readonly string[] {
  if (ICMP.has(protocol)) return ['type', 'code', 'id'];
  return protocol === GRE ? KEYS : hasPorts(protocol) ? PORTS : [];
}

/** Arguments tell the numbers of ICMP once. */
export function missingNumber({ form, original, reply }: EntryFields, protocol: number) {
  const sides = form === 'save' && ICMP.has(protocol) ? [original] : [original, reply];
  return numberNames(protocol).find((name) => sides.some((side) => !side.has(name)));
}

function wrong(found: string, needed: string): TraceError {
  return new TraceError('corrupt', `found ${found}, needed ${needed}`);
}
