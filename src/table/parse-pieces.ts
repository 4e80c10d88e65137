/** Pasted text in pieces that belong together: lines, flows of XML, blocks of statistics. */
import { isProcHead, isProcRow, statsCounter, statsRow } from './parse-stats.ts';
import { tokensOf } from './parse-tokens.ts';

export interface Piece {
  readonly kind: 'line' | 'flow' | 'proc statistics' | 'statistics' | 'counters' | 'too long';
  /** Of its first line, from 1. */
  readonly line: number;
  readonly lines: readonly string[];
}

export const MOST_LENGTH = 1 << 16;
const MOST_FLOW_LINES = 200;
/** What stands around the flows of XML, and the last words of conntrack. */
const FRAMES =
  /^(<\?xml[^>]*\?>|<\/?(conntrack|expect)>|conntrack v[\d.]+ \(conntrack-tools\): .*)$/;

const FLOW = /^\s*<flow[\s>]/;

type Kind = Piece['kind'];

interface Line {
  readonly number: number;
  readonly text: string;
}

/** Takes text as it comes. What the next lines may belong to is kept for them. */
export class PieceReader {
  /** Behind the last newline; no longer than what is told as too long. */
  private rest = '';
  private lines: Line[] = [];
  private number = 0;

  /** Whole pieces, in order. */
  add(text: string): Piece[] {
    const parts = text.split('\n');
    parts[0] = this.rest + parts[0];
    this.rest = (parts.pop() ?? '').slice(0, MOST_LENGTH + 1);
    for (const part of parts) this.addLine(part);
    return this.take(false);
  }

  /** Those that were waiting for more. */
  end(): Piece[] {
    if (this.rest !== '') this.addLine(this.rest);
    this.rest = '';
    return this.take(true);
  }

  /** Several flows on one line are told apart. */
  private addLine(line: string): void {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    const number = ++this.number;
    const isMany = text.length <= MOST_LENGTH * 16 && /<flow.*<flow/.test(text);
    const flows = isMany ? text.split(/(?<=<\/flow>)(?=\s*<flow)/) : [text];
    for (const flow of flows) this.lines.push({ number, text: flow });
  }

  private take(isEnd: boolean): Piece[] {
    const { lines } = this;
    const pieces: Piece[] = [];
    let index = 0;
    while (index < lines.length) {
      const kind = kindOf(lines[index]!.text);
      const end = kind === undefined ? index + 1 : endOf(lines, index, kind, isEnd);
      if (end === null) break;
      if (kind !== undefined) pieces.push(pieceOf(kind, lines.slice(index, end)));
      index = end;
    }
    this.lines = lines.slice(index);
    return pieces;
  }
}

function pieceOf(kind: Kind, lines: readonly Line[]): Piece {
  // a byte order mark is a blank as well: what told the kind must be what is read
  const texts = lines.map(({ text }) => text.trim());
  const { number } = lines[0]!;
  const length = kind === 'flow' ? texts.reduce((sum, text) => sum + text.length, 0) : 0;
  const isLong = kind === 'too long' || length > MOST_LENGTH;
  return isLong
    ? { kind: 'too long', line: number, lines: [] }
    : { kind, line: number, lines: texts };
}

/** Undefined: nothing to tell of. */
function kindOf(line: string): Kind | undefined {
  if (line.length > MOST_LENGTH) return 'too long';
  const text = line.trim();
  if (text === '' || FRAMES.test(text)) return undefined;
  if (FLOW.test(text)) return 'flow';
  if (isProcHead(text)) return 'proc statistics';
  const tokens = tokensOf(text);
  if (isRow(tokens)) return 'statistics';
  return statsCounter(tokens) === undefined ? 'line' : 'counters';
}

function isRow(tokens: readonly string[]): boolean {
  try {
    return statsRow(tokens) !== undefined;
  } catch {
    return false; // is refused where it is read
  }
}

/** Null: it may go on with lines that are still to come. */
function endOf(lines: readonly Line[], start: number, kind: Kind, isEnd: boolean): number | null {
  if (kind === 'line' || kind === 'too long') return start + 1;
  if (kind === 'flow') return flowEnd(lines, start, isEnd);
  const goesOn = ({ text }: Line): boolean =>
    kind === 'proc statistics' ? isProcRow(text.trim()) : kindOf(text) === kind;
  let end = start + 1;
  while (end < lines.length && goesOn(lines[end]!)) end++;
  return end < lines.length || isEnd ? end : null;
}

/** A flow that is not closed soon, or before the next one, is a line of its own. */
function flowEnd(lines: readonly Line[], start: number, isEnd: boolean): number | null {
  const last = start + MOST_FLOW_LINES;
  for (let end = start; end < Math.min(last, lines.length); end++) {
    const { text } = lines[end]!;
    if (end > start && FLOW.test(text)) return start + 1;
    if (text.includes('</flow>')) return end + 1;
  }
  return lines.length >= last || isEnd ? start + 1 : null;
}
