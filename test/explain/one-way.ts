/**
 * The nat chains asked rule by rule, where nothing is unknown: what each chance
 * comes to is given. The plainest form of nf_nat_inet_fn and nft_do_chain, to
 * hold the fast one against.
 */
import type { Asked } from '../../src/explain/evaluate.ts';
import type { Chain, Rule, Ruleset, Term } from '../../src/model/ruleset.ts';

type Verdict = { readonly by: Rule } | 'accept' | 'drop' | 'return' | 'next';

/** The deciding rule, null for a null mapping, 'drop'. `passed`: gets every rule that held. */
export function oneWay(
  ruleset: Ruleset,
  asked: Asked,
  chances: ReadonlyMap<string, boolean>,
  passed = new Set<Rule>(),
): Rule | null | 'drop' {
  const packet = { ...asked, mark: asked.mark ?? 0 };
  for (const chain of ruleset.chains.filter(({ base }) => base?.hook === asked.hook)) {
    const verdict = run(chain);
    if (typeof verdict === 'object') return verdict.by;
    if (verdict === 'drop') return 'drop';
    const isPolicy = verdict !== 'accept';
    if (isPolicy && chain.base?.policy === 'drop') return 'drop';
  }
  return null;

  function run(chain: Chain): Verdict {
    for (const rule of chain.rules) {
      if (!rule.terms.every(holds)) continue;
      passed.add(rule);
      const verdict = act(rule);
      if (verdict === 'return') return 'next';
      if (verdict !== 'next') return verdict;
    }
    return 'next';
  }

  function act(rule: Rule): Verdict {
    const [action] = rule.actions;
    switch (action?.does) {
      case 'nat':
        return { by: rule };
      case 'mark':
        packet.mark = ((packet.mark & ~action.mask) ^ action.value) >>> 0;
        return 'next';
      case 'accept':
      case 'drop':
      case 'return':
        return action.does;
      case 'jump':
        return run(chainOf(action.chain));
      case 'goto': {
        const verdict = run(chainOf(action.chain));
        return verdict === 'next' ? 'return' : verdict;
      }
      case 'verdict map': {
        const element = action.elements.find(({ key }) => within(key[0]!, packet.dstPort));
        return (element?.action.does as Verdict | undefined) ?? 'next';
      }
      default:
        return 'next';
    }
  }

  function chainOf(name: string): Chain {
    return ruleset.chains.find((chain) => chain.name === name)!;
  }

  function holds(term: Term): boolean {
    if ('unknown' in term) return chances.get(term.unknown)!;
    const any = term.any.some((row) =>
      row.every((interval, place) => {
        const field = term.fields[place]!;
        if (field === 'mark') return (packet.mark & (term.mask ?? -1)) === Number(interval[0]);
        if (field === 'src' || field === 'dst') return withinLast(interval, packet[field]);
        return within(interval, field === 'protocol' ? packet.protocol : packet.dstPort);
      }),
    );
    return any !== (term.not === true);
  }
}

function within([first, last]: readonly [string, string], value: number): boolean {
  return Number(first) <= value && value <= Number(last);
}

/** All addresses here differ in their last byte alone. */
function withinLast(interval: readonly [string, string], address: string): boolean {
  const [first, last, value] = [...interval, address].map((text) => text.split('.').at(-1)!);
  return within([first!, last!], Number(value));
}
