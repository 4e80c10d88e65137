/** Matches of nft's JSON as terms. */
import type { Interval, Term } from '../model/ruleset.ts';
import type { Json, NftTable } from './nft-json.ts';
import { impliedTerms, type Key, keysOf, partsOf } from './nft-keys.ts';
import { intervalOf, type Row, rowsOf } from './nft-values.ts';
import { nftText } from './nft-words.ts';

/** What it asks before it can compare, then the comparison itself. */
export function matchTerms(match: Json, table: NftTable): Term[] {
  const implied = partsOf(match.left).flatMap((part) => impliedTerms(part, table.family));
  return [...implied, comparison(match, table) ?? { unknown: nftText({ match }) }];
}

function comparison({ op, left, right }: Json, table: NftTable): Term | undefined {
  const keys = keysOf(left);
  const rows = keys && comparedRows(keys, String(op), right, table);
  if (keys === undefined || rows === undefined) return undefined;
  const [{ mask = undefined } = {}] = keys;
  if (mask !== undefined && (keys.length > 1 || op === 'in')) return undefined;
  return {
    fields: keys.map(({ field }) => field),
    any: rows,
    ...(op === '!=' || op === '!' ? { not: true } : {}),
    ...(mask === undefined ? {} : { mask }),
  };
}

/** `in`: one of these bits or more. `!`: none of them. A state is one bit, so bits are values there. */
function comparedRows(
  keys: readonly Key[],
  op: string,
  right: unknown,
  table: NftTable,
): readonly Row[] | undefined {
  const [key] = keys;
  if (op === '==' || op === '!=') return rowsOf(keys, right, table);
  if (key === undefined || keys.length > 1) return undefined;
  if (op === 'in' || op === '!') {
    if (key.field !== 'state') return undefined;
    return rowsOf(keys, { set: right }, table);
  }
  const interval = orderedInterval(key, op, right);
  return interval === undefined ? undefined : [[interval]];
}

/** `<`, `>`, `<=`, `>=` of numbers. */
function orderedInterval({ field, all }: Key, op: string, right: unknown): Interval | undefined {
  const [text] = intervalOf(field, right) ?? [];
  if (text === undefined || all === undefined || !/^\d+$/.test(text)) return undefined;
  const number = Number(text);
  const [first, last] = all;
  switch (op) {
    case '<':
      return number === 0 ? undefined : [first, String(number - 1)];
    case '<=':
      return [first, text];
    case '>':
      return text === last ? undefined : [String(number + 1), last];
    case '>=':
      return [text, last];
    default:
      return undefined;
  }
}
