/** What iptables-save -c -t nat and its relatives print, as chains. */
import type { HookName } from '../model/codes.ts';
import type { Action, BaseHook, Chain, Manip, Rule } from '../model/ruleset.ts';
import { parseRule } from './iptables-options.ts';
import { actionOf, withManip } from './iptables-targets.ts';
import { termsOf } from './iptables-terms.ts';
import { hooksOfChains } from './reached-chains.ts';

/** Priority of the nat table at each hook (enum nf_ip_hook_priorities). */
const NAT_HOOKS: Readonly<Record<string, readonly [hook: HookName, priority: number]>> = {
  PREROUTING: ['prerouting', -100],
  INPUT: ['input', 100],
  OUTPUT: ['output', -100],
  POSTROUTING: ['postrouting', 100],
};

export interface SavedChain {
  readonly name: string;
  readonly base?: BaseHook;
  /** Handles are 0. */
  readonly rules: readonly Rule[];
}

export interface SavedTable {
  readonly chains: readonly SavedChain[];
  readonly notes: readonly string[];
}

/** `:CHAIN policy`, then `[packets:bytes] -A CHAIN rule`, between `*nat` and `COMMIT`. */
export function parseSave(text: string): SavedTable {
  const lines = text.split('\n');
  const start = lines.indexOf('*nat') + 1;
  const table = start === 0 ? [] : lines.slice(start, lines.indexOf('COMMIT', start));
  const heads = table.flatMap((line) => {
    const match = /^:(\S+) (\S+)/.exec(line);
    return match === null ? [] : [{ name: match[1]!, policy: match[2]! }];
  });
  const names = new Set(heads.map(({ name }) => name));
  const notes = new Set<string>();
  const rules = new Map(heads.map(({ name }): [string, Rule[]] => [name, []]));
  for (const line of table) {
    const [, packets, bytes, chain = '', rule = ''] =
      /^\[(\d+):(\d+)\] -A (\S+) ?(.*)$/.exec(line) ?? [];
    const own = rules.get(chain);
    own?.push(readRule(rule, own.length + 1, Number(packets), Number(bytes), names, notes));
  }
  const chains = heads.map(({ name, policy }) => ({
    name,
    ...baseOf(name, policy),
    rules: rules.get(name) ?? [],
  }));
  return { chains: withManips(chains), notes: [...notes] };
}

function readRule(
  text: string,
  number: number,
  packets: number,
  bytes: number,
  chains: ReadonlySet<string>,
  notes: Set<string>,
): Rule {
  const parsed = parseRule(text);
  const action = actionOf(parsed, chains);
  if (action === undefined) notes.add(`what the target ${parsed.target} does is not known`);
  const actions: Action[] = [action ?? { does: 'continue' }];
  return { handle: 0, number, text, terms: termsOf(parsed.options), actions, packets, bytes };
}

/** A chain of the user's has the policy `-`. */
function baseOf(name: string, policy: string): { base?: BaseHook } {
  const at = NAT_HOOKS[name];
  if (at === undefined || policy === '-') return {};
  const [hook, priority] = at;
  return { base: { type: 'nat', hook, priority, policy: policy === 'DROP' ? 'drop' : 'accept' } };
}

/** NETMAP maps the source in chains that are asked at postrouting or input only. */
function withManips(chains: readonly SavedChain[]): SavedChain[] {
  const hooks = hooksOfChains(chains);
  return chains.map((chain) => {
    const own = [...(hooks.get(chain.name) ?? [])];
    const isSource = own.length > 0 && own.every((hook) => /input|postrouting/.test(hook));
    const manip: Manip = isSource ? 'src' : 'dst';
    const rules = chain.rules.map((rule) => ({
      ...rule,
      actions: rule.actions.map((action) => withManip(action, manip)),
    }));
    return { ...chain, rules };
  });
}

/** As chains of `backend`, those that no base chain leads to left out. */
export function savedChains(
  { chains }: SavedTable,
  owner: Pick<Chain, 'backend' | 'family' | 'tableHandle'>,
): Chain[] {
  const reached = hooksOfChains(chains);
  return chains
    .filter(({ name }) => reached.has(name))
    .map((chain) => ({ ...owner, table: 'nat', ...chain }));
}
