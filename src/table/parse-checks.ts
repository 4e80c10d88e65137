/** What an entry that was read must have, and cannot have. */
import { hasPorts, protocolName } from '../model/codes.ts';
import { TraceError } from '../model/error.ts';
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
  if (timeout?.startsWith('-')) throw wrong(`timeout ${shown(timeout)}`, 'seconds, 0 or more');
  if (form === 'xml' || form === 'save') return;
  const missing = missingNumber(fields, protocol);
  const isSome = numberNames(protocol).some((one) => original.has(one) || reply.has(one));
  if (missing === undefined || !(isSome || ALWAYS_TRACKED.has(protocol))) return;
  throw wrong(`${name} without ${missing}=`, 'both ends of both directions');
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
