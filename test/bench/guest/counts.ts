/** What the instruction counter wrote down. */
import { marksOf, type Workload } from './job.ts';

/** Guest instructions. */
export interface Instructions {
  readonly user: number;
  readonly kernel: number;
}

/** By mark. */
export type Counts = ReadonlyMap<number, Instructions>;

const LINE = /^mark (\d+) user (\d+) kernel (\d+)$/;

export function parseCounts(text: string): Counts {
  const lines = text.split('\n').filter(Boolean);
  return new Map(
    lines.map((line) => {
      const [, mark, user, kernel] = LINE.exec(line) ?? [];
      if (mark === undefined) throw new Error(`found "${line}" among the counts`);
      return [Number(mark), { user: Number(user), kernel: Number(kernel) }];
    }),
  );
}

/** Between the two marks of a workload; undefined where one of them was not reached. */
export function perPacket(
  counts: Counts,
  workload: Workload,
  packets: number,
): Instructions | undefined {
  const marks = marksOf(workload);
  const [begin, end] = [counts.get(marks.begin), counts.get(marks.end)];
  if (begin === undefined || end === undefined) return undefined;
  return {
    user: (end.user - begin.user) / packets,
    kernel: (end.kernel - begin.kernel) / packets,
  };
}
