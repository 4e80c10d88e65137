/** Rows of `flows` and lines of `conntrack -L` in one form, to be compared as sets. */
import { parseConntrackLine } from './conntrack-line.ts';
import { type Row, tupleOf } from './trace.ts';

const SEEN_REPLY = 1 << 1;
const ASSURED = 1 << 2;
const CONFIRMED = 1 << 3;

export function isConfirmed(row: Row): boolean {
  return (Number(row.status) & CONFIRMED) !== 0 && row.confirm !== 'merged';
}

/** Flows that lived when `lines` of `conntrack -L` were read, some of which ended before the trace did. */
export function listedFlows(flows: readonly Row[], lines: readonly string[]): Row[] {
  const theirs = new Set(lines.map(entryText));
  return flows.filter(
    (row) => isConfirmed(row) && (row.end === 'open' || theirs.has(flowText(row))),
  );
}

export function flowText(row: Row): string {
  const status = Number(row.status);
  const marks = `${status & ASSURED ? ' assured' : ''}${status & SEEN_REPLY ? '' : ' unreplied'}`;
  return `${row.family} ${row.protocol} ${tupleOf(row)} ${tupleOf(row, '_reply')} mark ${row.mark} zone ${row.zone} ${row.zone_direction}${marks}`;
}

export function entryText(line: string): string {
  const entry = parseConntrackLine(line);
  const marks = `${entry.isAssured ? ' assured' : ''}${entry.isUnreplied ? ' unreplied' : ''}`;
  const original = `${entry.src}:${entry.srcPort}>${entry.dst}:${entry.dstPort}`;
  const reply = `${entry.srcReply}:${entry.srcPortReply}>${entry.dstReply}:${entry.dstPortReply}`;
  return `${entry.family} ${entry.protocol} ${original} ${reply} mark ${entry.mark} zone ${entry.zone} ${entry.zoneDirection}${marks}`;
}
