/** What `conntrail explain --stale` does; explain.ts says how it is called. */
import { parsePacketTerms } from '../capture/packet-terms.ts';
import { entryText, nowTexts, staleText, storedText } from '../explain/stale-text.ts';
import { netnsNames, netnsPath, ownNetns } from '../kernel/netns.ts';
import { readRuleset } from '../kernel/rules.ts';
import type { Ruleset } from '../model/ruleset.ts';
import { Exit, endWith } from './exit.ts';
import { describeError } from './failure.ts';
import { type DeleteOptions, deleteAll, isAgreed, refuseUnasked } from './stale-delete.ts';
import { type Namespace, type StaleEntry, type StaleNamespace, staleNow } from './stale-netns.ts';

export interface StaleOptions extends DeleteOptions {
  readonly netns?: string;
  readonly json?: boolean;
}

/** The rules of a namespace; those that cannot be read throw a TraceError. */
export type RulesetReader = (namespace: Namespace) => Ruleset;

const readNow: RulesetReader = ({ netns, path }) =>
  readRuleset({ netns, ...(path === undefined ? {} : { path }) });

export async function explainStale(
  options: StaleOptions,
  read: RulesetReader = readNow,
): Promise<void> {
  refuseUnasked(options, process.stdin.isTTY);
  const namespaces = chosenNamespaces(options.netns);
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

/** Those of --netns, or our own and all of `ip netns`. */
function chosenNamespaces(wanted: string | undefined): Namespace[] {
  const own = ownNetns();
  const names = netnsNames();
  const inodes =
    wanted === undefined
      ? [own, ...Object.keys(names).map(Number)]
      : parsePacketTerms({ netns: wanted }).netns;
  const isEntered = (inode: number): boolean =>
    wanted !== undefined || inode === own || names[inode] !== 'init';
  return [...new Set(inodes)].filter(isEntered).map((netns) => ({
    netns,
    name: names[netns] === 'init' ? undefined : names[netns],
    path: netns === own ? undefined : netnsPath(netns),
  }));
}

function nameOf({ netns, name, path }: Namespace): string {
  return name ?? (path === undefined ? 'this namespace' : `namespace ${netns}`);
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
