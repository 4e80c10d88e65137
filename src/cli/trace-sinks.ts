/** Where a live trace goes, and what it is told at its start. */
import type { ProbeChange } from '../model/probe-change.ts';
import type { NamedBatch } from './tables.ts';

export interface TraceSinks {
  /** False: no batches are made, records are only counted. */
  readonly needsTables: boolean;
  /** The bytes are valid until the promise settles. */
  drained(bytes: Uint8Array, horizonNs: bigint): Promise<void>;
  batch(named: NamedBatch): Promise<void>;
}

export interface RunOptions {
  readonly onStarted: () => void;
  /** Undefined: until it is stopped. */
  readonly durationMs?: number | undefined;
  /** The longest a record waits before it is drained. */
  readonly latencyMs: number;
  /** Told when probes were attached or lost later. */
  readonly onProbes?: (change: ProbeChange) => void;
  /** The loaded rules are read, for the table `rules`. */
  readonly readsRules?: boolean;
}
