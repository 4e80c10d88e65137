/** Stale mappings of one namespace as it is now. */
import { setTimeout as wait } from 'node:timers/promises';
import { Evaluator } from '../explain/evaluate.ts';
import { findStale, type Stale } from '../explain/stale.ts';
import { deleteArguments } from '../explain/stale-text.ts';
import { readEntries } from '../kernel/conntrack-table.ts';
import { type Entry, entryKey } from '../model/entry.ts';
import type { Ruleset } from '../model/ruleset.ts';
import { readSurroundings } from './stale-surroundings.ts';

/** `name`: of `ip netns`; `path`: to enter it by, undefined for our own. */
export interface Namespace {
  readonly netns: number;
  readonly name: string | undefined;
  readonly path: string | undefined;
}

export interface StaleEntry extends Stale {
  /** Of both directions together; null where the kernel does not account. */
  readonly rate: { readonly packetsPerS: number; readonly bytesPerS: number } | null;
  readonly deleteArguments: readonly string[];
  readonly deleteCommand: string;
}

export interface StaleNamespace {
  readonly namespace: Namespace;
  readonly stale: readonly StaleEntry[];
  readonly entries: number;
  readonly expected: number;
  /** What could not be read or resolved of the rules. */
  readonly notes: readonly string[];
}

const BETWEEN_MS = 1000;

export async function staleNow(namespace: Namespace, ruleset: Ruleset): Promise<StaleNamespace> {
  const { path } = namespace;
  const entries = readEntries(path);
  const startMs = performance.now();
  const around = readSurroundings(path);
  const report = findStale(entries, new Evaluator(ruleset), around);
  const isAccounted = report.stale.some(({ entry }) => entry.packets !== null);
  if (isAccounted) await wait(Math.max(0, BETWEEN_MS - (performance.now() - startMs)));
  const later = isAccounted ? readEntries(path) : [];
  const seconds = (performance.now() - startMs) / 1000;
  const byKey = new Map(later.map((entry) => [entryKey(entry), entry]));
  const hasZones = entries.some(({ zones }) => zones.some((zone) => zone !== 0));
  const stale = report.stale.map((one) => ({
    ...one,
    rate: rateOf(one.entry, byKey.get(entryKey(one.entry)), seconds),
    deleteArguments: deleteArguments(one.entry, hasZones),
    deleteCommand: [
      ...through(namespace),
      'conntrack',
      ...deleteArguments(one.entry, hasZones),
    ].join(' '),
  }));
  stale.sort((a, b) => (b.rate?.bytesPerS ?? 0) - (a.rate?.bytesPerS ?? 0));
  const { expected } = report;
  return { namespace, stale, entries: entries.length, expected, notes: ruleset.notes };
}

/** What a person would type to enter it. */
function through({ name, path }: Namespace): readonly string[] {
  if (path === undefined) return [];
  return name === undefined ? ['nsenter', `--net=${path}`] : ['ip', 'netns', 'exec', name];
}

function rateOf(before: Entry, after: Entry | undefined, seconds: number): StaleEntry['rate'] {
  const packets = perSecond(before.packets, after?.packets, seconds);
  const bytes = perSecond(before.bytes, after?.bytes, seconds);
  return packets === null || bytes === null ? null : { packetsPerS: packets, bytesPerS: bytes };
}

/** Null too where another entry has taken the place of the one before. */
function perSecond(before: Entry['packets'], after: Entry['packets'] | undefined, seconds: number) {
  if (before === null || after === null || after === undefined) return null;
  const more = after[0] + after[1] - before[0] - before[1];
  return more < 0 ? null : Math.round((more / seconds) * 10) / 10;
}
