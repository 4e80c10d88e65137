/** What the counters of one namespace say: totals, and what moved since another reading. */
import type { ConntrackStats } from '../model/ledger.ts';
import { totalStats } from './parse-stats.ts';
import { ageText, byImportance, counterWords } from './stats-counters.ts';
import { type SettingWords, settingWords } from './stats-settings.ts';

/** The kernel's words at one moment. */
export interface StatsReading {
  /** Any clock that only goes forward. */
  readonly atMs: number;
  /** A row per CPU. */
  readonly cpus: readonly ConntrackStats[];
  /** Below net.netfilter, as far as this namespace shows them. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface CounterReport {
  readonly name: string;
  readonly total: number;
  readonly perCpu: readonly number[];
  /** Since the reading before; null: there is none. */
  readonly moved: number | null;
  readonly perSecond: number | null;
  readonly meaning: string;
  readonly toDo: string | null;
  /** Which kernels have it; empty: all from 5.10 on. */
  readonly kernels: string;
}

export interface StatsReport {
  readonly entries: number | null;
  readonly max: number | null;
  readonly buckets: number | null;
  /** Between the readings; null: one alone. */
  readonly seconds: number | null;
  readonly counters: readonly CounterReport[];
  readonly settings: readonly SettingWords[];
  readonly warnings: readonly string[];
}

const WRAP = 2 ** 32; // counters are 32 bits wide
const FULL_PERCENT = 80;
const LONG_CHAIN = 2;

export function statsReport(now: StatsReading, before: StatsReading | null): StatsReport {
  const { cpus, settings } = now;
  const seconds = before === null ? null : (now.atMs - before.atMs) / 1000;
  const sums = totalStats(cpus.map((counters, cpu) => ({ cpu, counters })));
  const size = (name: string): number | null => {
    const text = settings[name];
    return text === undefined ? null : Number(text);
  };
  const sizes = {
    entries: size('nf_conntrack_count'),
    max: size('nf_conntrack_max'),
    buckets: size('nf_conntrack_buckets'),
  };
  return {
    ...{ ...sizes, seconds },
    counters: Object.keys(sums)
      .sort(byImportance)
      .map((name) => {
        const total = sums[name]!;
        const perCpu = cpus.map((row) => row[name] ?? 0);
        const moved = before === null ? null : movedOf(name, cpus, before.cpus);
        const perSecond = moved === null || seconds === null ? null : rate(moved, seconds);
        const words = counterWords(name);
        const kernels = words === undefined ? '' : ageText(words);
        const meaning = words?.meaning ?? 'a counter that is not known here';
        return {
          name,
          total,
          perCpu,
          moved,
          perSecond,
          meaning,
          toDo: words?.toDo ?? null,
          kernels,
        };
      }),
    settings: settingWords(settings),
    warnings: warningsOf(sizes),
  };
}

/** A CPU that came meanwhile began at zero. */
function movedOf(
  name: string,
  now: readonly ConntrackStats[],
  before: readonly ConntrackStats[],
): number {
  return now.reduce((sum, row, cpu) => {
    const more = (row[name] ?? 0) - (before[cpu]?.[name] ?? 0);
    return sum + (more < 0 ? more + WRAP : more);
  }, 0);
}

function rate(moved: number, seconds: number): number {
  return seconds > 0 ? Math.round((moved / seconds) * 10) / 10 : 0;
}

type Sizes = Pick<StatsReport, 'entries' | 'max' | 'buckets'>;

function warningsOf({ entries, max, buckets }: Sizes): string[] {
  const found: string[] = [];
  if (entries === null) return found;
  const percent = fillPercent({ entries, max });
  if (percent !== null && percent >= FULL_PERCENT) {
    found.push(
      `the table is ${percent} % full (${entries} of ${max}): raise net.netfilter.nf_conntrack_max before new flows are dropped, or shorten timeouts; conntrack -L shows who fills it`,
    );
  }
  if (buckets !== null && buckets > 0 && entries / buckets >= LONG_CHAIN) {
    const length = Math.round(entries / buckets);
    found.push(
      `${length} entries share each bucket (${entries} in ${buckets}): lookups take longer, raise net.netfilter.nf_conntrack_buckets`,
    );
  }
  return found;
}

/** Whole percents, rounded down; null: there is no limit, or none is told. */
export function fillPercent({ entries, max }: Pick<StatsReport, 'entries' | 'max'>): number | null {
  return entries === null || max === null || max <= 0 ? null : Math.floor((entries / max) * 100);
}
