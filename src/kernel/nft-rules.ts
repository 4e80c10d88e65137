/** Chains of nf_tables: structure and counters from nft's JSON, texts from its listing. */
import { HOOKS, type HookName } from '../model/codes.ts';
import type { BaseHook, Chain, Rule } from '../model/ruleset.ts';
import { programOf } from './nft-actions.ts';
import type { Json, NftChain, NftRule, NftTable } from './nft-json.ts';
import type { RuleTexts } from './nft-listing.ts';
import { hooksOfChains } from './reached-chains.ts';

const NAT_FAMILIES = ['ip', 'ip6', 'inet'];

/** Those of the table that the nat hooks lead to; none of a table without such a hook. */
export function nftChains(table: NftTable, texts: RuleTexts): Chain[] {
  if (!hasNat(table)) return [];
  const chains = table.chains.map((chain) => chainOf(table, chain, texts));
  const reached = hooksOfChains(chains);
  return chains.filter(({ name }) => reached.has(name));
}

function hasNat({ family, isDormant, chains }: NftTable): boolean {
  return !isDormant && NAT_FAMILIES.includes(family) && chains.some(({ type }) => type === 'nat');
}

function chainOf(table: NftTable, chain: NftChain, texts: RuleTexts): Chain {
  const { family, name, handle } = table;
  const base = baseOf(chain);
  const rules = table.rules.get(chain.name) ?? [];
  return {
    backend: 'nft',
    family,
    table: name,
    tableHandle: handle,
    name: chain.name,
    ...(base === undefined ? {} : { base }),
    rules: rules.map((rule, index) => {
      const text = texts(family, name, chain.name, rule.handle);
      return ruleOf(table, rule, index + 1, text ?? JSON.stringify(rule.expr));
    }),
  };
}

function baseOf({ type, hook, prio, policy }: NftChain): BaseHook | undefined {
  if (type === undefined || !isHook(hook)) return undefined;
  return { type, hook, priority: Number(prio), policy: policy === 'drop' ? 'drop' : 'accept' };
}

function isHook(hook: string | undefined): hook is HookName {
  return HOOKS.some((name) => name === hook);
}

function ruleOf(table: NftTable, rule: NftRule, number: number, text: string): Rule {
  const { handle, expr } = rule;
  return { handle, number, text, ...programOf(expr, table), ...countsOf(expr, table) };
}

/** Of the rule's own counter, or of the named one that it counts in. */
function countsOf(
  statements: readonly Json[],
  { counters }: NftTable,
): { packets?: number; bytes?: number } {
  const counter = statements.find((statement) => statement.counter !== undefined)?.counter;
  const counts = typeof counter === 'string' ? counters.get(counter) : (counter as Json | null);
  if (counts === null || counts === undefined) return {};
  return { packets: Number(counts.packets), bytes: Number(counts.bytes) };
}
