/** One term of a rule as a question to a packet. */
import { addressValue } from '../model/address.ts';
import type { Field, Interval, Term } from '../model/ruleset.ts';
import type { Seen, Truth } from './asked.ts';
import { rowTest, type Test } from './row-match.ts';
import { RowTable } from './row-table.ts';

const SMALL_SET = 4;

export function termTest(term: Term): Test {
  if ('unknown' in term) return () => 'maybe';
  const holds = rowsTest(term.fields, term.any, term.mask);
  const negated: Test = term.not ? (seen) => NOT[holds(seen)] : holds;
  const family = familyOf(term);
  if (!term.not || family === undefined) return negated;
  // nft asks for the family before it compares an address, whatever comes of that
  return (seen) => (seen.asked.family === family ? negated(seen) : 'no');
}

const NOT: Readonly<Record<Truth, Truth>> = { yes: 'no', no: 'yes', maybe: 'maybe' };

function rowsTest(
  fields: readonly Field[],
  rows: readonly (readonly Interval[])[],
  mask?: number,
): Test {
  if (rows.length === 1) return rowTest(fields, rows[0]!, mask);
  if (rows.length > SMALL_SET) {
    const table = new RowTable(fields, rows, mask);
    return (seen) => {
      const { first, maybe } = table.find(seen);
      return first >= 0 ? 'yes' : maybe.length > 0 ? 'maybe' : 'no';
    };
  }
  const tests = rows.map((row) => rowTest(fields, row, mask));
  return (seen) => anyOf(tests, seen);
}

function anyOf(tests: readonly Test[], seen: Seen): Truth {
  let any: Truth = 'no';
  for (const test of tests) {
    const truth = test(seen);
    if (truth === 'yes') return 'yes';
    if (truth === 'maybe') any = 'maybe';
  }
  return any;
}

/** Of the addresses that a term names; undefined: it names none. */
function familyOf(term: Exclude<Term, { readonly unknown: string }>): 4 | 6 | undefined {
  const place = term.fields.findIndex((field) => field === 'src' || field === 'dst');
  const first = place < 0 ? undefined : term.any[0]?.[place]?.[0];
  if (first === undefined) return undefined;
  return typeof addressValue(first) === 'bigint' ? 6 : 4;
}
