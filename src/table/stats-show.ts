/** Reports of statistics as text and as JSON. */
import { type CounterReport, fillPercent, type StatsReport } from './stats-report.ts';
import { isUsual, type SettingWords } from './stats-settings.ts';

/** Major.minor: a new minor version adds fields. */
export const STATS_VERSION = '1.0';

export interface TitledStats extends StatsReport {
  /** Inode. */
  readonly netns: number;
  /** By which `ip netns` knows it. */
  readonly name: string | null;
  /** For people. */
  readonly title: string;
}

/** Sizes, every counter, the settings that were changed, or all. Ends with a newline. */
export function statsText(stats: TitledStats, isAll = false): string {
  const { counters, warnings } = stats;
  const names = Math.max(0, ...counters.map(({ name }) => name.length));
  const totals = Math.max(0, ...counters.map(({ total }) => String(total).length));
  return ended([
    `${stats.title}: ${sizeText(stats)}`,
    ...warnings.map((warning) => `  warning: ${warning}`),
    '  counted since the namespace was made:',
    ...counters.flatMap((counter) => counterLines(counter, names, totals)),
    ...settingLines(stats.settings, isAll),
  ]);
}

function settingLines(all: readonly SettingWords[], isAll: boolean): string[] {
  const settings = isAll ? all : all.filter((setting) => !isUsual(setting));
  const width = Math.max(0, ...settings.map(({ name }) => name.length));
  const values = Math.max(0, ...settings.map(({ value }) => value.length));
  const usual = all.length - settings.length;
  const others = usual === 0 ? '' : `; ${usual} as the kernel sets them itself: --settings`;
  const head = settings.length === 0 ? 'none changed' : isAll ? '' : 'those that were changed';
  return [
    `  settings (net.netfilter)${head === '' ? ':' : `: ${head}${others}`}`,
    ...settings.map(
      ({ name, value, meaning }) =>
        `    ${name.padEnd(width)}  ${value.padStart(values)}  ${meaning}`,
    ),
  ];
}

function sizeText({ entries, max, buckets }: StatsReport): string {
  const fill = fillPercent({ entries, max });
  const of = max === null ? '' : ` of ${max}`;
  const percent = fill === null ? '' : ` (${fill} %)`;
  const chains = buckets === null ? '' : `, ${buckets} buckets`;
  return entries === null ? 'sizes not told' : `${entries}${of} entries${percent}${chains}`;
}

function counterLines(counter: CounterReport, names: number, totals: number): string[] {
  const { name, total, meaning, toDo, kernels } = counter;
  const about = [meaning, kernels].filter((part) => part !== '').join('; ');
  const line = `    ${name.padEnd(names)}  ${String(total).padStart(totals)}  ${about}`;
  if (total === 0) return [line];
  return [
    line,
    `      ${cpuText(counter.perCpu)}`,
    ...(toDo === null ? [] : [`      to do if it grows: ${toDo}`]),
  ];
}

/** Only CPUs that counted. */
function cpuText(perCpu: readonly number[]): string {
  const counted = perCpu.flatMap((count, cpu) => (count === 0 ? [] : [`cpu ${cpu}: ${count}`]));
  return counted.join(', ');
}

/** What moved between two readings, a line each. Ends with a newline. */
export function ratesText(stats: TitledStats): string {
  const { title, seconds, counters, warnings } = stats;
  const moved = counters.filter((one) => one.moved !== null && one.moved > 0);
  const during = `${(seconds ?? 0).toFixed(1)} s`;
  return ended([
    `${title}: ${sizeText(stats)}, in ${during}: ${moved.length === 0 ? 'no counter moved' : ''}`.replace(
      /: $/,
      '',
    ),
    ...warnings.map((warning) => `  warning: ${warning}`),
    ...moved.flatMap(({ name, moved: more, perSecond, meaning, toDo }) => [
      `  ${name} +${more} (${perSecond}/s): ${meaning}`,
      ...(toDo === null ? [] : [`    to do: ${toDo}`]),
    ]),
  ]);
}

/** One document, on one line. */
export function statsJson(namespaces: readonly TitledStats[]): string {
  return `${JSON.stringify({ schemaVersion: STATS_VERSION, namespaces })}\n`;
}

function ended(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
