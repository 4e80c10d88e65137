/** Statements of nft's JSON as the terms and actions of a rule. */
import type { Action, Term } from '../model/ruleset.ts';
import { formOf, type Json, type NftTable } from './nft-json.ts';
import { impliedTerms, keysOf, partsOf } from './nft-keys.ts';
import { isNatStatement, natAction } from './nft-targets.ts';
import { matchTerms } from './nft-terms.ts';
import { pairsOf, rowOf } from './nft-values.ts';
import { nftText } from './nft-words.ts';

interface Program {
  readonly terms: Term[];
  readonly actions: Action[];
}

/** Statements after which the rule goes on, and which leave addresses, ports and marks alone. */
const CONTINUE = new Set(
  'counter log notrack last flow fwd dup tproxy synproxy secmark ct_helper comment'.split(' '),
);

const VERDICTS: Readonly<Record<string, 'accept' | 'drop' | 'return' | 'queue'>> = {
  accept: 'accept',
  drop: 'drop',
  reject: 'drop',
  return: 'return',
  queue: 'queue',
};

export function programOf(statements: readonly Json[], table: NftTable): Program {
  const program: Program = { terms: [], actions: [] };
  for (const statement of statements) {
    const read = readStatement(statement, table);
    // What is asked behind an action does not hold for that action.
    const isLate = program.actions.length > 0 && statement.match !== undefined;
    for (const term of isLate ? [{ unknown: nftText(statement) }] : read.terms) {
      if (!program.terms.some((known) => isSame(known, term))) program.terms.push(term);
    }
    program.actions.push(...read.actions);
  }
  if (program.actions.length === 0) program.actions.push({ does: 'continue' });
  return program;
}

function isSame(one: Term, other: Term): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function readStatement(statement: Json, table: NftTable): Program {
  const [form, body] = formOf(statement);
  if (form === 'match') return { terms: matchTerms(body as Json, table), actions: [] };
  if (form === 'vmap') return verdictMap(body as Json, table);
  if (isNatStatement(form)) {
    const { terms, action } = natAction(form, (body ?? {}) as Json, table);
    return { terms, actions: [action] };
  }
  if (form === 'mangle') return { terms: [], actions: markActions(body as Json) };
  const verdict = verdictOf(statement);
  if (verdict !== undefined) return { terms: [], actions: [verdict] };
  const isCondition = !CONTINUE.has(form) && !isPlainAddition(form, body);
  return { terms: isCondition ? [{ unknown: nftText(statement) }] : [], actions: [] };
}

/** `{ "jump": { "target": "c" } }`, `{ "drop": null }`. */
function verdictOf(value: unknown): Action | undefined {
  const [form, body] = formOf(value);
  if (form === 'jump' || form === 'goto')
    return { does: form, chain: String((body as Json).target) };
  if (form === 'continue') return { does: 'continue' };
  const does = VERDICTS[form];
  return does === undefined ? undefined : { does };
}

/** `add @name { … }` without a limit in it. */
function isPlainAddition(form: string, body: unknown): boolean {
  if (form !== 'set' && form !== 'map') return false;
  const statements = ((body as Json).stmt ?? []) as readonly Json[];
  return statements.every((statement) => CONTINUE.has(formOf(statement)[0]));
}

function verdictMap({ key, data }: Json, table: NftTable): Program {
  const map = pairsOf(data, table);
  const keys = keysOf(key);
  const terms = partsOf(key).flatMap((part) => impliedTerms(part, table.family));
  const pairs = map?.pairs ?? [];
  const rows = pairs.map(([element]) => (keys === undefined ? undefined : rowOf(keys, element)));
  const isMasked = keys?.some(({ mask }) => mask !== undefined) ?? false;
  const isEvaluable = map?.isFixed === true && !isMasked && !rows.includes(undefined);
  const elements = pairs.map(([, verdict], index) => ({
    key: isEvaluable ? (rows[index] ?? []) : [],
    action: verdictOf(verdict) ?? ({ does: 'continue' } as const),
  }));
  const fields = isEvaluable && keys !== undefined ? keys.map(({ field }) => field) : null;
  return { terms, actions: [{ does: 'verdict map', fields, elements }] };
}

/** Only marks are told; what else a statement may set, rules of nat chains do not ask again. */
function markActions({ key, value }: Json): Action[] {
  const [mark] = keysOf(key) ?? [];
  if (mark?.field === 'ct_mark') return [{ does: 'mark unknown', field: 'ct_mark' }];
  if (mark?.field !== 'mark') return [];
  const bits = bitsOf(value);
  if (bits === undefined) return [{ does: 'mark unknown', field: 'mark' }];
  return [{ does: 'mark', mask: ~bits.keep >>> 0, value: bits.flip >>> 0 }];
}

/** A value computed from the mark as `(mark & keep) ^ flip`; undefined: from something else. */
function bitsOf(value: unknown): { keep: number; flip: number } | undefined {
  if (typeof value === 'number') return { keep: 0, flip: value };
  const [form, body] = formOf(value);
  if (keysOf(value)?.[0]?.field === 'mark' && form === 'meta') return { keep: -1, flip: 0 };
  if (!Array.isArray(body)) return undefined;
  const [first, ...others] = body as unknown[];
  let bits = bitsOf(first);
  for (const other of others) {
    if (bits === undefined || typeof other !== 'number') return undefined;
    const { keep, flip } = bits;
    if (form === '&') bits = { keep: keep & other, flip: flip & other };
    else if (form === '|') bits = { keep: keep & ~other, flip: (flip & ~other) | other };
    else if (form === '^') bits = { keep, flip: flip ^ other };
    else return undefined;
  }
  return bits;
}
