/** Words of a line, and how they are shown in an error. */

const SHOWN = 40;
const PLAIN = /^[\x20-\x7e]*$/;

/** Words are parted by blanks, but for brackets: `[start=Mon Nov 30 22:38:55 2026]` is one. */
export function tokensOf(line: string): string[] {
  const tokens: string[] = [];
  for (let at = 0; at < line.length; ) {
    if (isBlank(line.charCodeAt(at))) {
      at++;
      continue;
    }
    const end = line[at] === '[' ? bracketEnd(line, at) : wordEnd(line, at);
    tokens.push(line.slice(at, end));
    at = end;
  }
  return tokens;
}

/** A bracket that is never closed is a word like others. */
function bracketEnd(line: string, at: number): number {
  const close = line.indexOf(']', at);
  return close < 0 ? wordEnd(line, at) : close + 1;
}

function wordEnd(line: string, at: number): number {
  let end = at + 1;
  while (end < line.length && !isBlank(line.charCodeAt(end))) end++;
  return end;
}

function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

/** What moves a cursor or turns an order: controls, bidi, line separators, half characters. */
const ODD = /[^\x20-\x7e\u00a1-\u{10ffff}]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The beginning of a text, with nothing in it that would move a terminal's cursor. */
export function shown(text: string, most = SHOWN): string {
  if (text.length <= most && PLAIN.test(text)) return text;
  const start = [...text.slice(0, most * 2)].slice(0, most).join('');
  const plain = start.replace(ODD, '?');
  return start.length < text.length ? `${plain}...` : plain;
}

/** `sport=5536` to its two halves; undefined: no such word. */
export function pairOf(token: string): readonly [name: string, value: string] | undefined {
  const equals = token.indexOf('=');
  return equals <= 0 ? undefined : [token.slice(0, equals), token.slice(equals + 1)];
}

/** `[ASSURED]` to ASSURED; undefined: no bracket. */
export function bracketed(token: string): string | undefined {
  return token.length > 2 && token.startsWith('[') && token.endsWith(']')
    ? token.slice(1, -1)
    : undefined;
}
