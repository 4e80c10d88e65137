/** Counters and settings of conntrack in one namespace, as they are now. */
import { readdirSync } from 'node:fs';
import { TraceError } from '../model/error.ts';
import { parseCpuStats } from '../table/parse-proc-stats.ts';
import { statsRow } from '../table/parse-stats.ts';
import { tokensOf } from '../table/parse-tokens.ts';
import type { StatsReading } from '../table/stats-report.ts';
import { readSysctl } from './sysctl.ts';
import { readSystemText } from './system-text.ts';
import { runTool } from './tool.ts';

const STATISTICS = '/proc/net/stat/nf_conntrack';
const SETTINGS = '/proc/sys/net/netfilter';
const NAMES = /^nf_(conntrack|flowtable)_/;
const END = 'settings:';
/** One process in the namespace reads all: the settings as `path:value`. */
const SCRIPT = `cat ${STATISTICS} 2>/dev/null; echo ${END}; grep -s "" ${SETTINGS}/nf_* || true`;

/** Of the namespace at the path `netns`, else of our own. `atMs`: of performance.now(). */
export function readConntrack(netns?: string): StatsReading {
  const read = netns === undefined ? own() : entered(netns);
  const cpus = read.statistics.trim() === '' ? listed(netns) : parseCpuStats(read.statistics);
  return { atMs: performance.now(), cpus, settings: read.settings };
}

interface Read {
  /** Empty where this kernel has no such file (CONFIG_NF_CONNTRACK_PROCFS). */
  readonly statistics: string;
  readonly settings: Readonly<Record<string, string>>;
}

function own(): Read {
  const names = namesIn(SETTINGS).filter((name) => NAMES.test(name));
  const settings = names.flatMap((name) => {
    const value = readSysctl(`net.netfilter.${name}`);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { statistics: readSystemText(STATISTICS) ?? '', settings: Object.fromEntries(settings) };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function entered(netns: string): Read {
  const [statistics = '', settings = ''] = runTool('sh', ['-c', SCRIPT], netns).split(`${END}\n`);
  const pairs = settings.split('\n').flatMap((line) => {
    const [, name = '', value = ''] = /^.*\/(\w+):(.*)$/.exec(line) ?? [];
    return NAMES.test(name) ? [[name, value.trim()] as const] : [];
  });
  return { statistics, settings: Object.fromEntries(pairs) };
}

/** By netlink. */
function listed(netns: string | undefined): StatsReading['cpus'] {
  const rows = runTool('conntrack', ['-S'], netns)
    .split('\n')
    .flatMap((line) => statsRow(tokensOf(line)) ?? []);
  if (rows.length > 0) return rows.map(({ counters }) => counters);
  throw new TraceError('missing', `found no ${STATISTICS}, needed nf_conntrack`, {
    hint: 'modprobe nf_conntrack',
  });
}
