/** Records of all CPUs in the order of time: collect, sort, hand out what is complete. */
import type { TraceRecord } from './record.ts';

export class Order {
  private waiting: TraceRecord[] = [];

  add(records: readonly TraceRecord[], horizonNs: bigint): TraceRecord[] {
    const sorted = [...this.waiting, ...records].sort(byTime);
    const first = sorted.findIndex(({ ktimeNs }) => ktimeNs >= horizonNs);
    const end = first < 0 ? sorted.length : first;
    this.waiting = sorted.slice(end);
    return sorted.slice(0, end);
  }

  rest(): TraceRecord[] {
    return this.waiting.sort(byTime);
  }
}

/** Equal times by CPU; the sort keeps each CPU's own order. */
function byTime(a: TraceRecord, b: TraceRecord): number {
  return a.ktimeNs < b.ktimeNs ? -1 : a.ktimeNs > b.ktimeNs ? 1 : a.cpu - b.cpu;
}
