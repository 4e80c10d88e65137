/** Rows of `packets` and `flows` from what matters of them, as a reader of batches sees them. */
import type { RecordBatch } from '../../src/columns/arrow.ts';
import { batchOf } from '../../src/columns/batch.ts';
import { BatchView } from '../../src/columns/batch-view.ts';
import { HOOKS, type HookName } from '../../src/model/codes.ts';
import type { Action, Term } from '../../src/model/ruleset.ts';
import { type Column, FLOWS, PACKETS, RULES, type Table } from '../../src/model/tables.ts';
import { CLOCK_OFFSET, NAMES, type Row, type Value, wordsOf } from '../export/fixtures.ts';
import { addressBytes } from '../wire/record-fixture.ts';

export const ADDRESS = (text: string): string => addressBytes(text).toString('hex');

function usual({ type, nullable, words = [] }: Column): Value {
  if (nullable) return null;
  if (type === 'bool') return false;
  if (type === 'u64') return 0n;
  if (type === 'timestamp') return CLOCK_OFFSET;
  if (type === 'address') return ADDRESS('0.0.0.0');
  return type === 'code' ? words[0]! : type === 'name' ? NAMES[0]! : 0;
}

function rowOf(table: Table, given: Row): Row {
  return Object.fromEntries(
    table.columns.map((column) => [column.name, given[column.name] ?? usual(column)]),
  );
}

export function recordsOf(table: Table, rows: readonly Row[]): RecordBatch {
  const all = rows.map((row) => rowOf(table, row));
  const named = table.columns.filter(({ type }) => type === 'name');
  for (const value of all.flatMap((row) => named.map(({ name }) => row[name]))) {
    if (typeof value === 'string' && !NAMES.includes(value)) NAMES.push(value);
  }
  const context = { clockOffsetNs: CLOCK_OFFSET, names: NAMES };
  return batchOf(table, wordsOf(table, all), all.length, context);
}

export function viewOf(table: Table, rows: readonly Row[]): BatchView {
  return new BatchView(recordsOf(table, rows), table);
}

/** A packet that passed these hooks; "chains" after a hook: a nat chain ran there. */
export function packet(number: bigint, way: string, given: Row = {}): Row {
  const hooks: Row = {};
  let last: HookName = 'prerouting';
  way.split(' > ').forEach((step, index) => {
    const [hook, ...notes] = step.split(' ') as [HookName, ...string[]];
    last = HOOKS.find((name) => name === hook)!;
    hooks[`${hook}_at`] = CLOCK_OFFSET + BigInt(1000 * index + 1);
    hooks[`${hook}_ns`] = 10 + index;
    hooks[`${hook}_chains`] = notes.includes('chains');
    hooks[`${hook}_rewritten`] = notes.includes('rewritten');
  });
  const chainRuns = way.split('chains').length - 1;
  const ends = { last_hook: last, verdict: 'accept', chain_runs: chainRuns, complete: true };
  return { packet: number, netns: 4001, family: 4, protocol: 6, ...ends, ...hooks, ...given };
}

export function flow(number: bigint, given: Row = {}): Row {
  const decided = { src_nat: 'null mapping', dst_nat: 'rule', confirm: 'inserted' };
  const tuples = {
    src: ADDRESS('10.0.1.2'),
    dst: ADDRESS('10.0.1.1'),
    src_port: 5001,
    dst_port: 2222,
    src_reply: ADDRESS('10.0.1.1'),
    dst_reply: ADDRESS('10.0.1.2'),
    src_port_reply: 9999,
    dst_port_reply: 5001,
  };
  const common = { flow: number, netns: 4001, family: 4, protocol: 6, complete: true };
  return { ...common, ...tuples, ...decided, ...given };
}

export const packetsOf = (...rows: Row[]): BatchView => viewOf(PACKETS, rows);
export const flowsOf = (...rows: Row[]): BatchView => viewOf(FLOWS, rows);

/** A rule of `ip nat prerouting` of an nft ruleset, counted three times. */
export function rule(
  number: number,
  { terms = [], actions = [] }: { terms?: readonly Term[]; actions?: readonly Action[] },
  given: Row = {},
): Row {
  const place = { family: 'ip', table: 'nat', table_handle: 9n, chain: 'prerouting' };
  const base = { hook: 'prerouting', priority: '-100', policy: 'accept' };
  return {
    ...{ rule: number, netns: 4001, backend: 'nft', ...place, ...base },
    ...{ handle: BigInt(number + 40), number: number + 1, text: `rule text ${number}` },
    ...{ program: JSON.stringify({ terms, actions }) },
    ...given,
  };
}

export const rulesOf = (...rows: Row[]): BatchView => viewOf(RULES, rows);
