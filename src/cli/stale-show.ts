/** What `conntrail explain --stale` prints, as text or as one JSON document (docs/stale.schema.json). */
import type { Stale } from '../explain/stale.ts';
import { ageText, nowTexts, staleText, storedText } from '../explain/stale-text.ts';
import type { RecordedStale, Unknown } from '../explain/stale-trace.ts';
import type { Target } from '../model/ruleset.ts';
import { entryText } from '../table/tuple-text.ts';

/** Major.minor, as with tables: a new minor version adds fields. */
export const STALE_VERSION = '1.0';

/** `flow`, `isOlder`: of a recorded trace, null for the table of now. */
export interface StaleEntry extends Stale {
  readonly flow: string | null;
  readonly isOlder: boolean | null;
  /** Of both directions together; null where nothing counted. */
  readonly rate: RecordedStale['rate'];
  readonly deleteCommand: string;
}

export interface StaleNamespace {
  /** Inode. */
  readonly netns: number;
  /** By which `ip netns` knows it. */
  readonly name: string | null;
  /** For people. */
  readonly title: string;
  readonly stale: readonly StaleEntry[];
  readonly entries: number;
  readonly expected: number;
  readonly unknown: Unknown;
  /** What could not be read or resolved of the rules. */
  readonly notes: readonly string[];
}

/** The table of now is read whole. */
export const NOTHING_UNKNOWN: Unknown = { lost: 0, incomplete: 0, noRules: 0 };

/** Empty text for no namespaces. */
export function staleList(found: readonly StaleNamespace[]): string {
  return found.map(listText).join('\n');
}

function listText(namespace: StaleNamespace): string {
  const { title, stale, entries, expected, notes } = namespace;
  const left = expected === 0 ? '' : `, ${expected} of helpers left out`;
  const head = `${title}: ${stale.length} of ${entries} entries have a stale mapping${left}`;
  const noted = notes.map((note) => `  not read: ${note}`);
  const found = stale.map((one) => staleText(one, aboutOf(one), one.deleteCommand));
  return `${[head, ...unknownTexts(namespace), ...noted, ...found].join('\n')}\n`;
}

function unknownTexts({ unknown }: StaleNamespace): string[] {
  const { lost, incomplete, noRules } = unknown;
  const reasons: [number, string][] = [
    [lost, 'records were lost while they were in the table'],
    [incomplete, 'records about them were lost or came too late'],
    [noRules, 'the trace has no rules of this namespace'],
  ];
  return reasons
    .filter(([count]) => count > 0)
    .map(([count, reason]) => `  unknown: ${count} of them, ${reason}`);
}

function aboutOf({ entry, isOlder, rate }: StaleEntry): string[] {
  const age = ageText(entry, isOlder ?? false);
  if (rate === null) return [age];
  return [age, `${rate.packetsPerS} packets/s`, `${rate.bytesPerS} bytes/s`];
}

export function staleJson(found: readonly StaleNamespace[]): string {
  const namespaces = found.map(({ netns, name, entries, expected, unknown, notes, stale }) => ({
    ...{ netns, name, entries, expected, unknown, notes },
    stale: stale.map(jsonEntry),
  }));
  return `${JSON.stringify({ schemaVersion: STALE_VERSION, namespaces })}\n`;
}

function jsonEntry(stale: StaleEntry) {
  const { entry, kind, manip, stored, now, hooks, flow, isOlder, rate, deleteCommand } = stale;
  const rules = now.map(({ rule, chain, targets }) => {
    if (rule === null || chain === null) return null;
    const { backend, family, table, name } = chain;
    const { handle, number, text } = rule;
    const place = { backend, family, table, chain: name, handle, number, text };
    return { ...place, targets: targets.map(jsonTarget) };
  });
  const texts = { flow: entryText(entry), stored: storedText(stored), now: nowTexts(now) };
  const when = { flow, isOlder, rate };
  return { kind, manip, hooks, entry, ...when, stored, rules, deleteCommand, texts };
}

/** Of a target that is an action too, what makes it a target. */
function jsonTarget({ kind, manip, addresses, ports }: Target): Target {
  return { kind, manip, addresses, ports };
}
