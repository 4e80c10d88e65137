/**
 * Lines of `conntrail table list -o json` and `table events -o json`: rows of the
 * tables `entries` and `expectations`.
 */
import { hasPorts, Status } from '../model/codes.ts';
import { messageOf, TraceError } from '../model/error.ts';
import { withPorts } from './entry-numbers.ts';
import { CHANGES, type EntryFields, emptyFields, type SideFields } from './parse-fields.ts';
import { shown } from './parse-tokens.ts';

export type Row = Readonly<Record<string, unknown>>;

const GRE = 47;
const ICMP: ReadonlySet<number> = new Set([1, 58]);

/** Undefined: no object in JSON. Throws a `corrupt` TraceError for one that cannot be read. */
export function jsonRow(line: string): Row | undefined {
  if (!line.trimStart().startsWith('{')) return undefined;
  const row = rowOf(line);
  if (textOf(row.src) === undefined) throw wrong('JSON without src');
  return row;
}

/** Of an entry. */
export function jsonFields(row: Row): EntryFields {
  const fields = emptyFields('json');
  fields.change = CHANGES.find((one) => one === row.news) ?? null;
  fields.at = secondsOf(textOf(row.read_at));
  fields.family = textOf(row.family);
  fields.protocol = textOf(row.protocol) ?? '';
  fields.timeout = textOf(row.timeout_s);
  fields.state = textOf(row.state);
  readFlags(fields, row);
  readSide(fields.original, row, '', Number(fields.protocol));
  readSide(fields.reply, row, '_reply', Number(fields.protocol));
  const others = { mark: row.mark, use: row.use, id: row.id, labels: row.labels };
  const times = { start: row.started_at, stop: row.ended_at };
  putAll(fields.others, { ...others, ...times, helper: row.helper });
  const zoned = SIDES.find((one) => one === row.zone_direction);
  if (zoned === undefined) putAll(fields.others, { zone: row.zone });
  else putAll(fields[zoned], { [zoned === 'reply' ? 'zone-reply' : 'zone-orig']: row.zone });
  return fields;
}

const SIDES = ['original', 'reply'] as const;

function rowOf(line: string): Row {
  try {
    return withPorts(JSON.parse(line) as Row);
  } catch (error) {
    throw wrong(`JSON that cannot be read (${shown(messageOf(error), 100)})`);
  }
}

function wrong(found: string): TraceError {
  return new TraceError('corrupt', `found ${found}, needed a line of conntrail table list -o json`);
}

/** A value as a line would have it; null and what is no value: undefined. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function putAll(place: Map<string, string>, values: Row): void {
  for (const [name, value] of Object.entries(values)) {
    const text = textOf(value);
    if (text !== undefined) place.set(name, text);
  }
}

function readFlags({ flags }: EntryFields, { status, expected }: Row): void {
  if (expected === true) flags.add('EXPECTED');
  if (typeof status !== 'number') return;
  if (!(status & Status.seenReply)) flags.add('UNREPLIED');
  if (status & Status.hwOffload) flags.add('HW_OFFLOAD');
  else if (status & Status.offload) flags.add('OFFLOAD');
  else if (status & Status.assured) flags.add('ASSURED');
}

function readSide(side: SideFields, row: Row, direction: string, protocol: number): void {
  const of = (name: string): unknown => row[`${name}${direction}`];
  const [src, dst] = [of('src_port'), of('dst_port')];
  putAll(side, { src: of('src'), dst: of('dst'), packets: of('packets'), bytes: of('bytes') });
  if (ICMP.has(protocol) && typeof dst === 'number') {
    putAll(side, { type: dst >>> 8, code: dst & 255, id: src });
  }
  if (protocol === GRE) putAll(side, { srckey: src, dstkey: dst });
  else if (hasPorts(protocol)) putAll(side, { sport: src, dport: dst });
}

/** Nanoseconds since 1970, to the seconds that `-o timestamp` writes. */
export function secondsOf(ns: string | undefined): string | null {
  if (ns === undefined || !/^\d{10,20}$/.test(ns)) return null;
  return `${ns.slice(0, -9)}.${ns.slice(-9, -3)}`;
}
