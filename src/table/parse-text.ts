/** Whatever somebody pastes about conntrack, told apart and read. */
import { TraceError } from '../model/error.ts';
import { type EntryRecord, entryOf } from './parse-entry.ts';
import {
  type ExpectationRecord,
  expectationOf,
  flowExpectation,
  rowExpectation,
} from './parse-expectation.ts';
import { flowFields } from './parse-flow.ts';
import { jsonFields, jsonRow } from './parse-json.ts';
import { lineFields } from './parse-line.ts';
import { type LogRecord, logOf } from './parse-log.ts';
import { MOST_LENGTH, type Piece, PieceReader } from './parse-pieces.ts';
import { saveFields } from './parse-save.ts';
import { procStats, type StatsRecord, statsCounter, statsOf, statsRow } from './parse-stats.ts';
import { shown, tokensOf } from './parse-tokens.ts';
import { readXml } from './parse-xml.ts';

/** What is none of the others: one line that names what was found. */
export interface UnknownRecord {
  readonly kind: 'unknown';
  readonly found: string;
  readonly needed: string;
}

export type TableRecord = EntryRecord | ExpectationRecord | StatsRecord | LogRecord | UnknownRecord;

export interface Parsed {
  /** From 1. */
  readonly line: number;
  readonly record: TableRecord;
}

const NEEDED =
  'a line of conntrack -L, -E or -S, of /proc/net/nf_conntrack, of conntrail table list -o json, or of the kernel log about conntrack';

/** Never throws: what cannot be read is a record that says so. Blank lines are none. */
export class TextReader {
  private readonly pieces = new PieceReader();

  /** What is whole by now; a block that may go on waits. */
  add(text: string): Parsed[] {
    return this.pieces.add(text).map(parsedOf);
  }

  end(): Parsed[] {
    return this.pieces.end().map(parsedOf);
  }
}

/** All of a text. */
export function parseText(text: string): Parsed[] {
  const reader = new TextReader();
  return [...reader.add(text), ...reader.end()];
}

function parsedOf(piece: Piece): Parsed {
  return { line: piece.line, record: recordOf(piece) };
}

function recordOf(piece: Piece): TableRecord {
  const [text = ''] = piece.lines;
  try {
    switch (piece.kind) {
      case 'too long':
        return unknown(`more than ${MOST_LENGTH} characters in one`, 'shorter lines');
      case 'flow':
        return flowRecord(piece.lines.join('\n'));
      case 'proc statistics':
        return procStats(piece.lines);
      case 'statistics':
        return statsOf(piece.lines.map((line) => statsRow(tokensOf(line))!));
      case 'counters':
        return statsOf([{ cpu: null, counters: countersOf(piece.lines) }]);
      default:
        return lineRecord(text);
    }
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    const [, found = error.message, needed = NEEDED] =
      /^found (.*), needed (.*)$/.exec(error.message) ?? [];
    return unknown(found, needed);
  }
}

function countersOf(lines: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(lines.map((line) => statsCounter(tokensOf(line))!));
}

function flowRecord(text: string): TableRecord {
  const end = text.indexOf('</flow>');
  if (end < 0) return unknown('a <flow> without its end', '</flow>');
  const flow = readXml(text.slice(0, end + '</flow>'.length));
  const isExpectation = flow.attributes.has('flow/layer3@protonum');
  return isExpectation ? flowExpectation(flow) : entryOf(flowFields(flow, text.slice(end)));
}

function lineRecord(line: string): TableRecord {
  const row = jsonRow(line);
  if (row !== undefined) {
    return 'master_src' in row ? rowExpectation(row) : entryOf(jsonFields(row));
  }
  const tokens = tokensOf(line);
  statsRow(tokens); // rows that can be read are no lines: this one is refused
  const fields = saveFields(tokens) ?? lineFields(tokens);
  if (fields?.original.has('src')) return entryOf(fields);
  const log = logOf(line);
  const other = expectationOf(tokens) ?? log;
  if (other !== undefined) return other;
  return unknown(`"${shown(line.trim(), 60)}"`, fields === undefined ? NEEDED : 'src= and dst=');
}

function unknown(found: string, needed: string): UnknownRecord {
  return { kind: 'unknown', found, needed };
}
