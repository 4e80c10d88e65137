/** What `conntrail explain --stale` does; explain.ts says how it is called. */
import { entryText, nowTexts, staleText, storedText } from '../explain/stale-text.ts';
import { netnsNames, ownNetns } from '../kernel/netns.ts';
import { TraceError } from '../model/error.ts';
import type { Ruleset } from '../model/ruleset.ts';
import { Exit, endWith } from './exit.ts';
import { describeError } from './failure.ts';
import { type DeleteOptions, deleteAll, isAgreed, refuseUnasked } from './stale-delete.ts';
import { type Namespace, type StaleEntry, type StaleNamespace, staleNow } from './stale-netns.ts';

export interface StaleOptions extends DeleteOptions {
  readonly netns?: readonly string[];
  readonly json?: boolean;
}

/** The rules of each namespace, in their order; one that cannot be read throws a TraceError. */
export type RulesetReader = (namespace: Namespace) => Ruleset;

export async function explainStale(options: StaleOptions, read: RulesetReader): Promise<void> {
  refuseUnasked(options, process.stdin.isTTY);
  const namespaces = chosenNamespaces(options.netns ?? []);
  const found: StaleNamespace[] = [];
  for (const namespace of namespaces) {
    try {
      found.push(await staleNow(namespace, read(namespace)));
    } catch (error) {
      if (namespaces.length === 1) throw error;
      process.stderr.write(describeError(error));
      endWith(Exit.failed);
    }
  }
  const count = found.reduce((sum, { stale }) => sum + stale.length, 0);
  process.stdout.write(options.json ? jsonText(found) : found.map(listText).join('\n'));
  if (!options.delete || count === 0) return;
  if (!options.yes && !(await isAgreed(count))) return;
  const { gone, refused } = deleteAll(found);
  process.stderr.write(`${gone} of ${count} deleted\n`);
  if (refused > 0) endWith(Exit.failed);
}

/** Named ones, or our own and all of `ip netns`. */
function chosenNamespaces(wanted: readonly string[]): Namespace[] {
  const own = ownNetns();
  const all = Object.entries(netnsNames())
    .map(([inode, name]) => ({ netns: Number(inode), name }))
    .filter(({ netns, name }) => netns !== own && name !== 'init');
  if (wanted.length === 0) return [{ netns: own, name: undefined }, ...all];
  return wanted.map((name) => {
    const found = all.find((one) => one.name === name);
    if (found !== undefined) return found;
    throw new TraceError('missing', `network namespace ${name} is not known to ip netns`, {
      hint: 'ip netns list',
    });
  });
}

function nameOf({ name }: Namespace): string {
  return name ?? 'this namespace';
}

function listText({ namespace, stale, entries, expected, notes }: StaleNamespace): string {
  const left = expected === 0 ? '' : `, ${expected} of helpers left out`;
  const head = `${nameOf(namespace)}: ${stale.length} of ${entries} entries have a stale mapping${left}`;
  const noted = notes.map((note) => `  not read: ${note}`);
  const found = stale.map((one) => staleText(one, rateText(one), one.deleteCommand));
  return `${[head, ...noted, ...found].join('\n')}\n`;
}

function rateText({ rate }: StaleEntry): string | null {
  if (rate === null) return null;
  return `${rate.packetsPerS} packets/s, ${rate.bytesPerS} bytes/s`;
}

function jsonText(found: readonly StaleNamespace[]): string {
  const namespaces = found.map(({ namespace, stale, ...rest }) => ({
    netns: namespace.netns,
    name: namespace.name ?? null,
    ...rest,
    stale: stale.map(jsonEntry),
  }));
  return `${JSON.stringify({ namespaces })}\n`;
}

function jsonEntry({ entry, kind, manip, stored, now, hooks, rate, deleteCommand }: StaleEntry) {
  const rules = now.map(({ rule, chain, targets }) => {
    if (rule === null || chain === null) return null;
    const { backend, family, table, name } = chain;
    const { handle, number, text } = rule;
    return { backend, family, table, chain: name, handle, number, text, targets };
  });
  const texts = { flow: entryText(entry), stored: storedText(stored), now: nowTexts(now) };
  return { kind, manip, hooks, entry, stored, rules, rate, deleteCommand, texts };
}
