/** What the host asks of a guest, and what it hears back. */
import type { Subject } from './subjects.ts';

export const WORKLOADS = ['one', 'flows'] as const;
/** All packets of one flow, or each of a flow of its own. */
export type Workload = (typeof WORKLOADS)[number];

export interface Job {
  readonly subject: Subject;
  /** Packets per workload. */
  readonly packets: Readonly<Record<Workload, number>>;
  /** Sent before the first mark. */
  readonly warmUp: Readonly<Record<Workload, number>>;
  /** How many send at a time. */
  readonly senders: number;
  /** Leave in $OUT what names the addresses of the last workload. */
  readonly profile?: boolean;
  /** Folder of flood, mark and empty.bpf.o. */
  readonly tools: string;
}

/** One workload beside one subject, as the guest saw it. Instructions are counted outside. */
export interface Seen {
  readonly workload: Workload;
  /** What reached the server. */
  readonly arrived: number;
  /** What the sender took. */
  readonly sendingUs: number;
  /** From the first packet until the subject had written everything. */
  readonly wholeUs: number;
  /** Exit status of the subject; null where there is no process. */
  readonly status: number | null;
  /** Records written since the first mark; null where they are not lines of text. */
  readonly records: number | null;
  readonly bytes: number;
  /** The subject's own words about losses, or about how it ended. */
  readonly says: readonly string[];
}

export const RESULT = 'bench-result ';

/** The marks around a workload. */
export function marksOf(workload: Workload): { readonly begin: number; readonly end: number } {
  const begin = WORKLOADS.indexOf(workload) * 2 + 1;
  return { begin, end: begin + 1 };
}
