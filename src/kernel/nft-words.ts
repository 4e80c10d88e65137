/** Expressions and statements of nft's JSON in the words of nft(8), for those that are not evaluated. */
import { formOf, type Json, words } from './nft-json.ts';

/** Elements of a set that are written out. */
const SHOWN = 8;

const WRITERS: Readonly<Record<string, (body: Json) => string>> = {
  payload: ({ protocol, field, base, offset, len }) =>
    protocol === undefined ? `@${base},${offset},${len}` : `${protocol} ${field}`,
  meta: ({ key }) => `meta ${key}`,
  ct: ({ dir, key }) => (dir === undefined ? `ct ${key}` : `ct ${dir} ${key}`),
  fib: ({ flags, result }) => `fib ${words(flags).join(' . ')} ${result}`,
  rt: ({ key }) => `rt ${key}`,
  socket: ({ key }) => `socket ${key}`,
  prefix: ({ addr, len }) => `${addr}/${len}`,
  elem: ({ val }) => nftText(val),
  match: matchText,
  limit: ({ rate, per, inv }) => `limit rate ${inv === true ? 'over ' : ''}${rate}/${per}`,
  quota: ({ val, val_unit, inv }) => `quota ${inv === true ? 'over ' : ''}${val} ${val_unit}`,
  xt: ({ type, name }) => `xt ${type} ${name}`,
};

export function nftText(value: unknown): string {
  if (Array.isArray(value)) return value.map(nftText).join(',');
  const [form, body] = formOf(value);
  if (form === '') return String(body);
  if (Array.isArray(body)) return listText(form, body);
  if (typeof body !== 'object' || body === null) return body === null ? form : `${form} ${body}`;
  return WRITERS[form]?.(body as Json) ?? JSON.stringify(value);
}

function listText(form: string, values: readonly unknown[]): string {
  if (form === 'concat') return values.map(nftText).join(' . ');
  if (form === 'range') return values.map(nftText).join('-');
  if (form !== 'set') return values.map(nftText).join(` ${form} `);
  const shown = values.slice(0, SHOWN).map(nftText);
  return `{ ${[...shown, ...(values.length > SHOWN ? ['…'] : [])].join(', ')} }`;
}

/** `==` and "any of these bits" are not written. */
function matchText({ op, left, right }: Json): string {
  const sign = op === '==' || op === 'in' ? '' : `${op} `;
  return `${nftText(left)} ${sign}${nftText(right)}`;
}
