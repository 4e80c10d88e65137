/**
 * Statistics as `conntrack -S` prints them: a row per CPU, `cpu=0 found=0 ...`
 * (since conntrack-tools 1.2), or one name and number a line (before). And
 * /proc/net/stat/nf_conntrack.
 */
import type { ConntrackStats } from '../model/ledger.ts';
import { number } from './parse-entry.ts';
import { parseCpuStats } from './parse-proc-stats.ts';
import { pairOf } from './parse-tokens.ts';

export interface StatsRow {
  /** Null: of all together. */
  readonly cpu: number | null;
  readonly counters: ConntrackStats;
}

/** All rows of one block. */
export interface StatsRecord {
  readonly kind: 'statistics';
  readonly rows: readonly StatsRow[];
  /** `conntrack -S exp` tells of expectations. */
  readonly isOfExpectations: boolean;
}

/** Names that any version printed. */
const NAMES: ReadonlySet<string> = new Set([
  ...['searched', 'found', 'new', 'invalid', 'ignore', 'delete', 'delete_list', 'insert'],
  ...['insert_failed', 'drop', 'early_drop', 'error', 'icmp_error', 'search_restart'],
  ...['clash_resolve', 'chaintoolong', 'expect_new', 'expect_create', 'expect_delete', 'entries'],
]);

/** Undefined: no row. Throws a `corrupt` TraceError for one whose numbers are none. */
export function statsRow(tokens: readonly string[]): StatsRow | undefined {
  const [name, cpu] = pairOf(tokens[0] ?? '') ?? [];
  if (name !== 'cpu' || tokens.length < 2) return undefined;
  const pairs = tokens.slice(1).map((token) => pairOf(token));
  if (!pairs.every((pair) => pair !== undefined)) return undefined;
  const counters = Object.fromEntries(pairs.map(([key, text]) => [key, number(key, text)]));
  return { cpu: number('cpu', cpu!, 0xffff), counters };
}

/** `found   12`: one counter of the old form. */
export function statsCounter(tokens: readonly string[]): readonly [string, number] | undefined {
  const [name = '', text = ''] = tokens;
  if (tokens.length !== 2 || !NAMES.has(name) || !/^\d{1,20}$/.test(text)) return undefined;
  return [name, Number(text)];
}

/** Of /proc; undefined: no head of such a file. */
export function isProcHead(line: string): boolean {
  return /^entries\s/.test(line) && /\sinsert_failed\s/.test(line);
}

export function isProcRow(line: string): boolean {
  return /^[0-9a-f]{8}(\s+[0-9a-f]{8}){8,}\s*$/.test(line);
}

/** The head and its rows, of which CPU n is the n-th. */
export function procStats(lines: readonly string[]): StatsRecord {
  const rows = parseCpuStats(lines.join('\n')).map((counters, cpu) => ({ cpu, counters }));
  return { kind: 'statistics', rows, isOfExpectations: false };
}

export function statsOf(rows: readonly StatsRow[]): StatsRecord {
  const names = rows.flatMap(({ counters }) => Object.keys(counters));
  const isOfExpectations = names.length > 0 && names.every((name) => name.startsWith('expect_'));
  return { kind: 'statistics', rows, isOfExpectations };
}

/** Sums over the rows, in the order of the first row that has each. */
export function totalStats(rows: readonly StatsRow[]): ConntrackStats {
  const total: Record<string, number> = {};
  for (const { counters } of rows) {
    for (const [name, count] of Object.entries(counters)) total[name] = (total[name] ?? 0) + count;
  }
  return total;
}
