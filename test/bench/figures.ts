/**
 * What is measured: CPU time of the whole process, its threads included. What
 * else the machine does then hardly shows.
 */

/** `batched` is all from the rings to Arrow batches; `written` what remains after it. */
export const STAGES = ['drain', 'order', 'rebuild', 'batches', 'batched', 'written'] as const;
export type Stage = (typeof STAGES)[number];
/** CPU milliseconds. */
export type StageTimes = Readonly<Record<Stage, number>>;

export interface WrittenTable {
  readonly rows: number;
  readonly bytes: number;
}

/** From the rings to closed files. */
export interface Whole {
  readonly cpuMs: number;
  readonly elapsedMs: number;
  readonly packets: WrittenTable;
  readonly flows: WrittenTable;
}

/** A whole in a process of its own. */
export interface WholeRun extends Whole {
  /** Largest resident set, less the enlarged capture that waits in memory. */
  readonly peakBytes: number;
}

/** What one child process was asked for and found. */
export interface Runs {
  readonly equal: { readonly times: StageTimes; readonly records: number; readonly copies: number };
  readonly stages: StageTimes;
  readonly ours: WholeRun;
  /** The same once more in the same process, which has compiled its code by then. */
  readonly oursAgain: Whole;
  readonly obvious: WholeRun;
  /** A peer's text to objects. */
  readonly text: { readonly ms: number; readonly lines: number };
}

/** CPU milliseconds of this process so far. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Starts both clocks; the function returned reads them. */
export function begin(): () => { cpuMs: number; elapsedMs: number } {
  const startCpuMs = cpuMs();
  const startMs = performance.now();
  return () => ({ cpuMs: cpuMs() - startCpuMs, elapsedMs: performance.now() - startMs });
}
