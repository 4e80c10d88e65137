/** What `conntrail table stats` does; table-stats.ts says how it is called. */
import { setTimeout as wait } from 'node:timers/promises';
import { readConntrack } from '../kernel/conntrack-reading.ts';
import { type StatsReading, statsReport } from '../table/stats-report.ts';
import { ratesText, statsJson, statsText, type TitledStats } from '../table/stats-show.ts';
import { Exit, endWith } from './exit.ts';
import { describeError } from './failure.ts';
import { chosenNamespaces, type Namespace, titleOf } from './namespaces.ts';
import { onStopSignal } from './stop-signals.ts';
import type { TableStatsOptions } from './table-stats.ts';
import { writeOut } from './write-out.ts';

export async function tableStats(options: TableStatsOptions): Promise<void> {
  const { interval, count = Number.POSITIVE_INFINITY, json = false } = options;
  const shown = { json, isAll: options.settings ?? false };
  const namespaces = chosenNamespaces(options.netns);
  const before = new Map<number, StatsReading>();
  await print(readAll(namespaces, before), { ...shown, isFirst: true });
  if (interval === undefined) return;
  const stopped = new AbortController();
  const release = onStopSignal(() => stopped.abort());
  try {
    for (let turn = 0; turn < count && !stopped.signal.aborted; turn++) {
      if (!(await waited(interval, stopped.signal))) return;
      await print(readAll(namespaces, before), { ...shown, isFirst: false });
    }
  } finally {
    release();
  }
}

/** Keeps each reading for the next time. Of several namespaces, one that cannot be read is told. */
function readAll(
  namespaces: readonly Namespace[],
  before: Map<number, StatsReading>,
): TitledStats[] {
  return namespaces.flatMap((namespace): TitledStats[] => {
    const { netns, name, path } = namespace;
    try {
      const now = readConntrack(path);
      const report = statsReport(now, before.get(netns) ?? null);
      before.set(netns, now);
      return [{ ...report, netns, name: name ?? null, title: titleOf(namespace) }];
    } catch (error) {
      if (namespaces.length === 1) throw error;
      process.stderr.write(describeError(error));
      endWith(Exit.failed);
      return [];
    }
  });
}

interface Shown {
  readonly json: boolean;
  readonly isFirst: boolean;
  /** Also the settings that nobody changed. */
  readonly isAll: boolean;
}

function print(found: readonly TitledStats[], { json, isFirst, isAll }: Shown): Promise<void> {
  const text = (one: TitledStats): string => (isFirst ? statsText(one, isAll) : ratesText(one));
  return writeOut(json ? statsJson(found) : found.map(text).join(''));
}

/** False: stopped meanwhile. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await wait(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
