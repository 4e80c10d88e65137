/** Rules as nft tells them: structure and counters from its JSON, texts from its listing. */
import { TraceError } from '../model/error.ts';
import type { BaseChain, NatRule } from '../model/rules.ts';

type Json = Readonly<Record<string, unknown>>;

interface Item extends Json {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly chain: string;
  readonly handle: number;
}

/** `json` of `nft -j list ruleset`, `listing` of `nft -s -a list ruleset`. */
export function parseNft(
  json: string,
  listing: string,
): { baseChains: BaseChain[]; natRules: NatRule[] } {
  const items = itemsOf(json);
  const baseChains = kind(items, 'chain').flatMap(baseChain);
  const rules = kind(items, 'rule');
  const hooks = hooksByChain(baseChains, rules);
  const texts = parseListing(listing);
  const counters = new Map(
    kind(items, 'counter').map((counter) => [key(counter, counter.name), counter]),
  );
  const natRules = rules.flatMap((rule) => {
    const reached = hooks.get(key(rule, rule.chain));
    if (reached === undefined) return [];
    const own = baseChains.find((chain) => key(chain, chain.chain) === key(rule, rule.chain));
    return [
      {
        backend: 'nft' as const,
        family: rule.family,
        table: rule.table,
        chain: rule.chain,
        ...(own === undefined ? {} : { hook: own.hook, priority: own.priority }),
        hooks: [...reached],
        handle: rule.handle,
        text: texts.get(key(rule, `${rule.chain} ${rule.handle}`)) ?? JSON.stringify(rule.expr),
        ...countsOf(rule, counters),
      },
    ];
  });
  return { baseChains, natRules };
}

function itemsOf(json: string): readonly Json[] {
  try {
    return (JSON.parse(json) as { nftables: readonly Json[] }).nftables;
  } catch (cause) {
    throw new TraceError('corrupt', `nft printed ${json.length} bytes that are not JSON`, {
      hint: 'nft -j list ruleset',
      cause,
    });
  }
}

function kind(items: readonly Json[], name: string): Item[] {
  return items.flatMap((item) => (item[name] === undefined ? [] : [item[name] as Item]));
}

function key(owner: { family: string; table: string }, name: string): string {
  return `${owner.family} ${owner.table} ${name}`;
}

function baseChain(chain: Item): BaseChain[] {
  const { family, table, name, type, hook, prio, policy } = chain;
  if (typeof hook !== 'string') return [];
  return [
    {
      backend: 'nft',
      family,
      table,
      chain: name,
      type: String(type),
      hook,
      priority: Number(prio),
      policy: String(policy ?? 'accept'),
    },
  ];
}

/** From each nat base chain along jump and goto: which hooks lead to which chain. */
function hooksByChain(
  baseChains: readonly BaseChain[],
  rules: readonly Item[],
): Map<string, Set<string>> {
  const targets = new Map<string, string[]>();
  for (const rule of rules) {
    const from = key(rule, rule.chain);
    const found = jumpsIn(rule.expr).map((target) => key(rule, target));
    targets.set(from, [...(targets.get(from) ?? []), ...found]);
  }
  const reached = new Map<string, Set<string>>();
  for (const chain of baseChains.filter(({ type }) => type === 'nat')) {
    const open = [key(chain, chain.chain)];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const hooks = reached.get(name) ?? new Set();
      if (hooks.has(chain.hook)) continue;
      reached.set(name, hooks.add(chain.hook));
      open.push(...(targets.get(name) ?? []));
    }
  }
  return reached;
}

/** Targets of every jump and goto, those inside verdict maps too. */
function jumpsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const target = (inner as { target?: unknown } | null)?.target;
    const isJump = (name === 'jump' || name === 'goto') && typeof target === 'string';
    return isJump ? [target] : jumpsIn(inner);
  });
}

/** The rule's own counter, or the named one it counts in. */
function countsOf(
  rule: Item,
  counters: ReadonlyMap<string, Json>,
): { packets?: number; bytes?: number } {
  const statements = rule.expr as readonly Json[];
  const counter = statements.find((statement) => statement.counter !== undefined)?.counter;
  const counts = typeof counter === 'string' ? counters.get(key(rule, counter)) : (counter as Json);
  if (counts === null || counts === undefined) return {};
  return { packets: Number(counts.packets), bytes: Number(counts.bytes) };
}

/** Every line of a chain that ends in `# handle N`, by family, table, chain and handle. */
function parseListing(listing: string): Map<string, string> {
  const texts = new Map<string, string>();
  let table = '';
  let chain = '';
  for (const line of listing.split('\n')) {
    const [, text = '', handle] = /^\s*(.*?)\s*# handle (\d+)$/.exec(line) ?? [];
    const block = /^(\w+) (.+?) \{$/.exec(text);
    if (line.startsWith('table ')) table = text.slice('table '.length, -' {'.length);
    else if (block !== null) chain = block[1] === 'chain' ? block[2]! : '';
    else if (handle !== undefined && chain !== '') texts.set(`${table} ${chain} ${handle}`, text);
  }
  return texts;
}
