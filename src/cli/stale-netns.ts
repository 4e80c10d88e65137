/** Stale mappings of one namespace as it is now. */
import { setTimeout as wait } from 'node:timers/promises';
import { Evaluator } from '../explain/evaluate.ts';
import { findStale } from '../explain/stale.ts';
import { readEntries } from '../kernel/conntrack-table.ts';
import { type Entry, entryKey } from '../model/entry.ts';
import type { Ruleset } from '../model/ruleset.ts';
import { deleteCommand } from '../table/command.ts';
import { type Namespace, titleOf } from './namespaces.ts';
import { NOTHING_UNKNOWN, type StaleEntry, type StaleNamespace } from './stale-show.ts';
import { readSurroundings } from './stale-surroundings.ts';

const BETWEEN_MS = 1000;

/** `path`: to enter the namespace by, undefined for our own. */
export interface StaleHere extends StaleNamespace {
  readonly path: string | undefined;
}

export async function staleNow(namespace: Namespace, ruleset: Ruleset): Promise<StaleHere> {
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
    flow: null,
    isOlder: null,
    rate: rateOf(one.entry, byKey.get(entryKey(one.entry)), seconds),
    deleteCommand: deleteCommand(through(namespace), one.entry, hasZones),
  }));
  stale.sort((a, b) => (b.rate?.bytesPerS ?? 0) - (a.rate?.bytesPerS ?? 0));
  return {
    ...{ netns: namespace.netns, name: namespace.name ?? null, title: titleOf(namespace), path },
    ...{ stale, entries: entries.length, expected: report.expected, notes: ruleset.notes },
    unknown: NOTHING_UNKNOWN,
  };
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
