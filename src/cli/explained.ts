/** How much of what `conntrack -S` counted the failures of a trace explain. */
import { accountFor, type CounterCount, describeUnexplained } from '../model/accounted.ts';
import { EXPLAINED } from '../model/failure-codes.ts';
import type { ConntrackStats, Ledger } from '../model/ledger.ts';

type NetnsStats = ReadonlyMap<number, readonly ConntrackStats[]>;

/** Of the namespaces that were read both times, the counters that moved. */
export function movedCounters(
  before: NetnsStats,
  after: NetnsStats,
): NonNullable<Ledger['conntrackMoved']> {
  const netns = [...after.keys()].filter((inode) => before.has(inode));
  const counters = netns.flatMap((inode) =>
    after.get(inode)!.flatMap((row, cpu) => {
      const earlier = before.get(inode)![cpu] ?? {};
      return EXPLAINED.flatMap((counter): CounterCount[] => {
        const count = (row[counter] ?? 0) - (earlier[counter] ?? 0);
        return count === 0 ? [] : [{ netns: inode, cpu, counter, count }];
      });
    }),
  );
  return { netns, counters };
}

/** Rows explain what the kernel counted; without tables (`found` undefined) there are none yet. */
export function accountedBy(
  moved: Ledger['conntrackMoved'],
  found: readonly CounterCount[] | undefined,
): Partial<Ledger> {
  if (moved === undefined) return {};
  if (found === undefined) return { conntrackMoved: moved };
  return { conntrackMoved: moved, accounted: accountFor(moved.netns, moved.counters, found) };
}

/** A line on stderr for each counter that is not explained; none where all is. */
export function reportExplained(ledger: Ledger | null, netnsName: (inode: number) => string): void {
  const lines = describeUnexplained(ledger?.accounted ?? [], netnsName);
  for (const line of lines) process.stderr.write(`explained, ${line}\n`);
}
