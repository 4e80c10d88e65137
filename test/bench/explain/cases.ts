/** What is measured: traces that differ in one thing at a time. */
import type { Traffic } from './make.ts';

export interface Case extends Traffic {
  /** A folder of Parquet files, or the capture itself. */
  readonly from: 'parquet' | 'capture';
}

const MILLION: Case = { form: 'flat', flows: 100_000, packetsPerFlow: 10, from: 'parquet' };

export const CASES: readonly Case[] = [
  MILLION,
  { ...MILLION, packetsPerFlow: 3 },
  { ...MILLION, flows: 10_000, packetsPerFlow: 100 },
  { ...MILLION, from: 'capture' },
  { ...MILLION, form: 'kubernetes' },
];

export interface Taken {
  readonly cpuMs: number;
  readonly elapsedMs: number;
  readonly peakBytes: number;
}

export interface Made {
  readonly rules: number;
  readonly packets: number;
}

/** Of several runs the one of least CPU time. */
export interface Result extends Case, Made {
  readonly reading: Taken;
  readonly explaining: Taken;
}
