/** What a rebuild is told, and whom it hands its rows to. */
import type { Columns } from '../model/columns.ts';
import type { RowBuffer } from '../model/rows.ts';
import type { ChangesFrom } from './changes.ts';

export interface RebuildOptions {
  readonly cpus: number;
  /** Name of a number of enum skb_drop_reason. */
  readonly dropReason: (reason: number) => string;
  /** Kernel function at an address. */
  readonly symbol: (low: number, high: number) => string;
  readonly clockOffsetNs: bigint; // wall clock minus CLOCK_MONOTONIC
  /** Rows of `packets`: the arrays are the taker's. */
  readonly onPackets: (packets: Columns) => void;
  readonly onRows: (rows: RowBuffer) => void; // of all other tables
  /** What tells of changes of state: packets, where it is not said. */
  readonly changesFrom?: ChangesFrom;
  /** nf_conntrack_in() tells of each packet that it refuses. */
  readonly refusalsTold?: boolean;
  /** Rows handed over at a time. */
  readonly batchRows?: number;
  /** Most flows kept in the making. */
  readonly flowLimit?: number;
  /** Plain records, too, are read one by one: what the shim makes of them must be the same. */
  readonly oneByOne?: boolean;
}
