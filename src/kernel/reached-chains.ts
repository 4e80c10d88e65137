/** Which chains of one table the nat hooks lead to, along jump and goto. */
import type { HookName } from '../model/codes.ts';
import type { Action, Chain } from '../model/ruleset.ts';

/** By name, the hooks of the nat base chains that lead there; a chain that none leads to is absent. */
export function hooksOfChains(
  chains: readonly Pick<Chain, 'name' | 'base' | 'rules'>[],
): Map<string, Set<HookName>> {
  const byName = new Map(chains.map((chain) => [chain.name, chain]));
  const reached = new Map<string, Set<HookName>>();
  for (const { name: from, base } of chains) {
    if (base?.type !== 'nat') continue;
    const open = [from];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const chain = byName.get(name);
      const hooks = reached.get(name) ?? new Set();
      if (chain === undefined || hooks.has(base.hook)) continue;
      reached.set(name, hooks.add(base.hook));
      for (const rule of chain.rules) open.push(...rule.actions.flatMap(chainsOf));
    }
  }
  return reached;
}

/** Chains that an action may lead to, those of a verdict map too. */
function chainsOf(action: Action): string[] {
  if (action.does === 'jump' || action.does === 'goto') return [action.chain];
  if (action.does !== 'verdict map') return [];
  return action.elements.flatMap((element) => chainsOf(element.action));
}
