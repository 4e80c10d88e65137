/** Parsers of option values that several commands share; each refuses with a usage error. */
import { TraceError } from '../model/error.ts';

const DURATIONS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const LONGEST_MS = 2 ** 31 - 1; // what a timer can wait

/** `500ms`, `5s`, `2m`, `1h` to milliseconds. */
export function parseDurationMs(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Math.round(Number(digits) * (DURATIONS[unit] ?? 0));
  if (ms > 0 && ms <= LONGEST_MS) return ms;
  throw wrong('duration', text, 'a number above 0 with ms, s, m or h, up to 24 days', '5s');
}

const SIZES: Readonly<Record<string, number>> = {
  '': 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};

/** `64KiB`, `4M`, `1GiB` to bytes; a number alone is of bytes. */
export function parseSizeBytes(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)(?:([KMGT])(?:iB)?|B?)$/.exec(text) ?? [];
  const bytes = Math.round(Number(digits) * (SIZES[unit] ?? 0));
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw wrong('size', text, 'bytes above 0, or a number with KiB, MiB, GiB or TiB', '4MiB');
}

/** A whole number from `least` to `most`. */
export function parseWhole(name: string, least: number, most = Number.MAX_SAFE_INTEGER) {
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw wrong(name, text, `a whole number, ${range}`, String(least));
  };
}

function wrong(what: string, found: string, needed: string, example: string): TraceError {
  return new TraceError('usage', `${what}: found "${found}", needed ${needed}`, {
    hint: `for example ${example}`,
  });
}
