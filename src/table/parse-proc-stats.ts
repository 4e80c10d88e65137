/** /proc/net/stat/nf_conntrack (ct_cpu_seq_show in nf_conntrack_standalone.c). */
import type { ConntrackStats } from '../model/ledger.ts';

/**
 * Columns of /proc/net/stat/nf_conntrack that the kernel still counts, by the
 * names of `conntrack -S`. The others are kept by the kernel as zeros;
 * `entries` is a size and repeated on every row.
 */
const COUNTERS: Readonly<Record<string, string>> = {
  clashres: 'clash_resolve',
  found: 'found',
  invalid: 'invalid',
  chainlength: 'chaintoolong', // since 5.15; before, the column is delete_list
  insert: 'insert',
  insert_failed: 'insert_failed',
  drop: 'drop',
  early_drop: 'early_drop',
  icmp_error: 'error',
  expect_new: 'expect_new',
  expect_create: 'expect_create',
  expect_delete: 'expect_delete',
  search_restart: 'search_restart',
};

/** A head of names, then one row of hexadecimal numbers per CPU. */
export function parseCpuStats(text: string): ConntrackStats[] {
  const [head = [], ...rows] = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words[0] !== '');
  const named = [...head.entries()].flatMap(([index, column]) => {
    const name = COUNTERS[column];
    return name === undefined ? [] : [[name, index] as const];
  });
  return rows.map((row) =>
    Object.fromEntries(
      named.map(([name, index]) => [name, Number.parseInt(row[index] ?? '0', 16)]),
    ),
  );
}

/** The same summed over CPUs. */
export function parseConntrackStats(text: string): ConntrackStats {
  const stats: Record<string, number> = {};
  for (const row of parseCpuStats(text)) {
    for (const [name, count] of Object.entries(row)) stats[name] = (stats[name] ?? 0) + count;
  }
  return stats;
}
