/** A stretch of records in parts alike, so that what else the machine did shows in one of them only. */

export const WINDOWS = 5;

export interface Spent {
  readonly records: number;
  readonly drainNs: number;
  readonly tablesNs: number;
}

export interface PerRecord {
  readonly drainNs: number;
  readonly tablesNs: number;
}

export function sumOf(parts: readonly Spent[]): Spent {
  const sum = (of: (part: Spent) => number) => parts.reduce((so, part) => so + of(part), 0);
  return {
    records: sum(({ records }) => records),
    drainNs: sum(({ drainNs }) => drainNs),
    tablesNs: sum(({ tablesNs }) => tablesNs),
  };
}

/** Medians of the windows that drains, in their order, fall into. */
export function medianPerRecord(drains: readonly Spent[]): PerRecord {
  const total = sumOf(drains).records;
  const windows = Array.from({ length: WINDOWS }, (): Spent[] => []);
  let before = 0;
  for (const drain of drains) {
    windows[Math.min(WINDOWS - 1, Math.floor((before * WINDOWS) / total))]!.push(drain);
    before += drain.records;
  }
  const sums = windows.map(sumOf).filter(({ records }) => records > 0);
  return {
    drainNs: median(sums.map(({ drainNs, records }) => drainNs / records)),
    tablesNs: median(sums.map(({ tablesNs, records }) => tablesNs / records)),
  };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >>> 1] ?? Number.NaN;
}
