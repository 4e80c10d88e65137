/** What `conntrail explain --stale` does; explain.ts says how it is called. */
import { readRuleset } from '../kernel/rules.ts';
import type { Ruleset } from '../model/ruleset.ts';
import { Exit, endWith } from './exit.ts';
import { describeError } from './failure.ts';
import { chosenNamespaces, type Namespace } from './namespaces.ts';
import { type DeleteOptions, deleteAll, isAgreed, refuseUnasked } from './stale-delete.ts';
import { type StaleHere, staleNow } from './stale-netns.ts';
import { staleJson, staleList } from './stale-show.ts';
import { writeOut } from './write-out.ts';

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
  const found: StaleHere[] = [];
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
  await writeOut(options.json ? staleJson(found) : staleList(found));
  if (!options.delete || count === 0) return;
  if (!options.yes && !(await isAgreed(count))) return;
  const { gone, refused } = await deleteAll(found);
  process.stderr.write(`${gone} of ${count} deleted\n`);
  if (refused > 0) endWith(Exit.failed);
}
