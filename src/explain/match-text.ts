/** What of a rule's match looks at the tuple, and what of it a trace cannot tell. */
import type { Action, Field, Rule, Term } from '../model/ruleset.ts';
import type { Met } from './evaluate.ts';

const OF_TUPLE: ReadonlySet<Field> = new Set(['src', 'dst', 'src_port', 'dst_port']);
/** Known only in part: names of interfaces, routing, marks on the way. */
const NOT_KEPT: ReadonlySet<Field> = new Set([
  'in',
  'out',
  'src_type',
  'dst_type',
  'mark',
  'ct_mark',
]);

const byTuple = new WeakMap<Rule, boolean>();

/** Does the rule, or a jump that leads to it, ask for an address or a port? */
export function matchesByTuple({ rule, path }: Met): boolean {
  return asksForTuple(rule) || path.some(asksForTuple);
}

function asksForTuple(rule: Rule): boolean {
  const known = byTuple.get(rule);
  if (known !== undefined) return known;
  const asks = [...rule.terms.flatMap(fieldsOfTerm), ...rule.actions.flatMap(fieldsOfAction)];
  const found = asks.some((field) => OF_TUPLE.has(field));
  byTuple.set(rule, found);
  return found;
}

function fieldsOfTerm(term: Term): readonly Field[] {
  return 'unknown' in term ? [] : term.fields;
}

function fieldsOfAction(action: Action): readonly Field[] {
  const hasKey = action.does === 'nat map' || action.does === 'verdict map';
  return hasKey ? (action.fields ?? []) : [];
}

const texts = new WeakMap<Rule, string>();

const conditions = new WeakMap<Met, string>();

/** What must hold besides what the trace shows: `oifname "eth0"`. */
export function onlyIfOf(met: Met): string {
  const known = conditions.get(met);
  if (known !== undefined) return known;
  const own = [...met.path, met.rule].map(notKeptOf).filter((text) => text !== '');
  const text = own.length === 0 ? 'the rules before it let it through' : own.join(' and ');
  conditions.set(met, text);
  return text;
}

/** Of one rule; empty: all of its match can be told. */
function notKeptOf(rule: Rule): string {
  const known = texts.get(rule);
  if (known !== undefined) return known;
  const text = rule.terms.flatMap(termText).join(' and ');
  texts.set(rule, text);
  return text;
}

function termText(term: Term): string[] {
  if ('unknown' in term) return [term.unknown];
  if (!term.fields.some((field) => NOT_KEPT.has(field))) return [];
  const rows = term.any.map((row) =>
    row.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(' . '),
  );
  const values = rows.length === 1 ? rows[0]! : `one of ${rows.slice(0, 3).join(', ')}`;
  return [`${term.fields.join(' . ')} is ${term.not ? 'not ' : ''}${values}`];
}
