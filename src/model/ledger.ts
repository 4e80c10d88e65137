/**
 * The ledger: for every CPU and probe what was sent, what arrived, and where
 * the rest was lost. It travels in the metadata of every file and is the table
 * `losses`.
 */
import type { AccountedCounter, CounterCount } from './accounted.ts';
import { PROBES } from './codes.ts';

/** One probe (record kind) on one CPU. Counts are records unless said otherwise. */
export interface LedgerRow {
  readonly cpu: number;
  /** Index into PROBES. */
  readonly probe: number;
  readonly sent: number;
  readonly delivered: number;
  readonly ringFull: number;
  /** Calls and returns that could not be paired; counted on the row of probe `visit`. */
  readonly callsFull: number;
  readonly missedReturn: number;
  readonly missedEntry: number;
  readonly flowsFull: number;
  /** Probe runs the kernel skipped; null where it does not count them. */
  readonly recursion: number | null;
  /** Rows given up by our own bounded tables. */
  readonly evicted: number;
}

/** Sums over all CPUs of struct ip_conntrack_stat of one namespace, by counter name. */
export type ConntrackStats = Readonly<Record<string, number>>;

export interface Ledger {
  readonly rows: readonly LedgerRow[];
  /** CLOCK_MONOTONIC of the records on both sides of the first and the last gap; null: no gap. */
  readonly lossWindow: { readonly fromNs: string; readonly toNs: string } | null;
  /** Of the namespace the tracer ran in; null where it could not be read. */
  readonly conntrackStats: {
    readonly before: ConntrackStats;
    readonly after: ConntrackStats;
  } | null;
  /**
   * By how much the counters moved, of the namespaces that could be read and
   * per CPU; absent in older traces.
   */
  readonly conntrackMoved?: {
    readonly netns: readonly number[];
    readonly counters: readonly CounterCount[];
  };
  /** The same beside the rows of `failures`; absent where there are no rows, as in a capture. */
  readonly accounted?: readonly AccountedCounter[];
}

/** Everything of a row that is known not to have arrived, or to have arrived torn. */
export function lossesOf(row: LedgerRow): number {
  return (
    row.ringFull +
    row.callsFull +
    row.missedReturn +
    row.missedEntry +
    row.flowsFull +
    row.evicted +
    (row.recursion ?? 0) +
    Math.abs(imbalance(row))
  );
}

export function totalLost(ledger: Ledger): number {
  return ledger.rows.reduce((sum, row) => sum + lossesOf(row), 0);
}

/** Records that neither arrived nor were counted as lost: the ledger is wrong if not zero. */
export function imbalance(row: LedgerRow): number {
  return row.sent - row.delivered - row.ringFull;
}

/** "complete", or how much was lost, as every output ends. */
export function describeLedger(ledger: Ledger): string {
  const lost = totalLost(ledger);
  const sent = ledger.rows.reduce((sum, row) => sum + row.sent, 0);
  const wrong = ledger.rows.filter((row) => imbalance(row) !== 0);
  if (wrong.length > 0) {
    const row = wrong[0]!;
    return `the ledger does not balance: cpu ${row.cpu} probe ${PROBES[row.probe]} sent ${row.sent}, delivered ${row.delivered}, lost ${row.ringFull}`;
  }
  return lost === 0 ? `complete: ${sent} records, none lost` : `${lost} of ${sent} records lost`;
}
