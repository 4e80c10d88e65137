/** Pasted text in pieces that belong together: lines, flows of XML, blocks of statistics. */
import { isProcHead, isProcRow, statsCounter, statsRow } from './parse-stats.ts';
import { tokensOf } from './parse-tokens.ts';

export interface Piece {
  readonly kind: 'line' | 'flow' | 'proc statistics' | 'statistics' | 'counters' | 'too long';
  /** Of its first line, from 1. */
  readonly line: number;
  readonly lines: readonly string[];
  /** Characters. */
  readonly length: number;
}

const MOST_LENGTH = 1 << 16;
const MOST_FLOW_LINES = 200;
/** What stands around the flows of XML, and the last words of conntrack. */
const FRAMES =
  /^(<\?xml[^>]*\?>|<\/?(conntrack|expect)>|conntrack v[\d.]+ \(conntrack-tools\): .*)$/;

type Kind = Piece['kind'];

export function* piecesOf(text: string): Generator<Piece> {
  const lines = linesOf(text);
  for (let index = 0; index < lines.length; ) {
    const kind = kindOf(lines[index]!);
    const end = kind === undefined ? index + 1 : endOf(lines, index, kind);
    if (kind !== undefined) {
      const taken = lines.slice(index, end);
      const length = taken.reduce((sum, line) => sum + line.length, 0);
      const isLong = kind === 'flow' ? length > MOST_LENGTH : kind === 'too long';
      if (isLong) yield { kind: 'too long', line: index + 1, lines: [''], length };
      else yield { kind, line: index + 1, lines: taken, length };
    }
    index = end;
  }
}

/** Several flows on one line are lines of their own. */
function linesOf(text: string): string[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const second = line.indexOf('<flow', line.indexOf('<flow') + 1);
    return second < 0 || line.length > MOST_LENGTH * 16
      ? [line]
      : line.split(/(?<=<\/flow>)(?=\s*<flow)/);
  });
}

/** Undefined: nothing to tell of. */
function kindOf(line: string): Kind | undefined {
  if (line.length > MOST_LENGTH) return 'too long';
  const text = line.trim();
  if (text === '' || FRAMES.test(text)) return undefined;
  if (/^<flow[\s>]/.test(text)) return 'flow';
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

function endOf(lines: readonly string[], start: number, kind: Kind): number {
  let end = start + 1;
  if (kind === 'line' || kind === 'too long') return end;
  if (kind === 'flow') {
    const last = Math.min(lines.length, start + MOST_FLOW_LINES);
    while (!lines[end - 1]!.includes('</flow>') && end < last) end++;
    return lines[end - 1]!.includes('</flow>') ? end : start + 1;
  }
  const goesOn = (line: string): boolean =>
    kind === 'proc statistics' ? isProcRow(line.trim()) : kindOf(line) === kind;
  while (end < lines.length && goesOn(lines[end]!)) end++;
  return end;
}
