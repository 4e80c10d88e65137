/**
 * Entries as lines of text: `conntrack -L` and `-E` with whatever `-o` but xml and
 * save (snprintf_default.c of libnetfilter_conntrack), and /proc/net/nf_conntrack
 * (ct_seq_show in nf_conntrack_standalone.c), which differ only in what they leave out.
 */
import {
  CHANGES,
  type Change,
  type EntryFields,
  emptyFields,
  OTHER_FIELDS,
  SIDE_FIELDS,
  type SideFields,
} from './parse-fields.ts';
import { bracketed, pairOf } from './parse-tokens.ts';
import { DCCP_STATES, SCTP_STATES } from './states.ts';

const DCCP = '33';

/** When a listing was written, and what it tells of: `[1796078335.992449]   [NEW] ...`. */
export interface LineStart {
  readonly at: string | null;
  readonly change: Change | null;
  /** Where the rest begins. */
  readonly next: number;
}

export function lineStart(tokens: readonly string[]): LineStart {
  const time = bracketed(tokens[0] ?? '');
  const at = time !== undefined && /^\d+\.\d+$/.test(time) ? time : null;
  const first = at === null ? 0 : 1;
  const word = bracketed(tokens[first] ?? '')?.toLowerCase();
  const change = CHANGES.find((one) => one === word) ?? null;
  return { at, change, next: change === null ? first : first + 1 };
}

/** Undefined: the line does not begin as an entry does. */
export function lineFields(tokens: readonly string[]): EntryFields | undefined {
  const { at, change, next } = lineStart(tokens);
  const isExtended = /^ipv[46]$/.test(tokens[next] ?? '') && /^\d+$/.test(tokens[next + 1] ?? '');
  const start = isExtended ? next + 2 : next;
  const [name = '', number = ''] = tokens.slice(start, start + 2);
  if (!/^[a-z][\w-]*$/i.test(name) || !/^\d+$/.test(number)) return undefined;
  const fields = emptyFields(isExtended ? 'extended' : 'plain');
  Object.assign(fields, { at, change, name, protocol: number });
  if (isExtended) fields.family = tokens[next]!.slice(3);
  readRest(fields, tokens, start + 2);
  if (number === DCCP) fields.state = dccpState(fields.state);
  return fields;
}

/** Some versions of libnetfilter_conntrack name states of DCCP by the list of SCTP's. */
function dccpState(word: string | undefined): string | undefined {
  const names: readonly string[] = SCTP_STATES;
  return word === undefined ? undefined : (DCCP_STATES[names.indexOf(word)] ?? word);
}

function readRest(fields: EntryFields, tokens: readonly string[], start: number): void {
  let side: SideFields | undefined;
  for (const token of tokens.slice(start)) {
    const [name, value = ''] = pairOf(token.replace(/,$/, '')) ?? [];
    if (name === 'src') side = side === undefined ? fields.original : fields.reply;
    if (name === undefined) takeWord(fields, token, side);
    else if (side !== undefined && isOfSide(name, side)) setOnce(side, name, value, token, fields);
    else if (OTHER_FIELDS.has(name)) setOnce(fields.others, name, value, token, fields);
    else takeWord(fields, token, side);
  }
}

/** The identifier of ICMP follows its type; any other `id` is the entry's. */
function isOfSide(name: string, side: SideFields): boolean {
  return name === 'id' ? side.has('type') && !side.has('id') : SIDE_FIELDS.has(name);
}

/** What is told twice is told wrong once. */
function setOnce(
  place: Map<string, string>,
  name: string,
  value: string,
  token: string,
  { more }: EntryFields,
): void {
  if (place.has(name)) more.push(token);
  else place.set(name, value);
}

/** Words without a name: timeout and state stand before the tuples, flags in brackets. */
function takeWord(fields: EntryFields, token: string, side: SideFields | undefined): void {
  const inside = bracketed(token);
  const [name, value = ''] = pairOf(inside ?? '') ?? [];
  const isFirst = side === undefined;
  if (name === 'start' || name === 'stop') fields.others.set(name, value);
  else if (inside !== undefined && /^[A-Z_]+$/.test(inside)) fields.flags.add(inside);
  else if (isFirst && fields.timeout === undefined && /^-?\d+$/.test(token)) fields.timeout = token;
  else if (isFirst && fields.state === undefined && STATE.test(token)) fields.state = token;
  else fields.more.push(token);
}

const STATE = /^[A-Z][A-Z_0-9]+$/;
