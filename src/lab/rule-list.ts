/** The rules of a namespace as the kernel's own tools list them, against which a trace's are checked. */
import type { Ruleset } from './scenario.ts';
import type { Net } from './topology.ts';

export interface RuleTruth {
  readonly backend: 'nft' | 'iptables-nft' | 'legacy';
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  /** Place in its chain, from 1. */
  readonly number: number;
  /** Null where the backend has none: legacy. */
  readonly handle: number | null;
  readonly comment: string | null;
  readonly text: string;
  /** Null where the rule has no counter. */
  readonly packets: number | null;
  readonly bytes: number | null;
}

/** Of nf_tables, and of the iptables that the scenario uses; the lab's own tables left out. */
export async function listRules(
  net: Net,
  namespace: string,
  ruleset: Ruleset = {},
): Promise<RuleTruth[]> {
  const native = parseListing(await net.need(namespace, ['nft', '-a', 'list', 'ruleset']));
  const saved: RuleTruth[] = [];
  const has = (tool: string) => Object.keys(ruleset).some((name) => name.startsWith(tool));
  for (const [tool, family] of [
    ['iptables', 'ip'],
    ['ip6tables', 'ip6'],
  ] as const) {
    if (has(`${tool}-legacy`))
      saved.push(...(await save(net, namespace, 'legacy', `${tool}-legacy`, family)));
    if (has(`${tool}-nft`))
      saved.push(...(await save(net, namespace, 'iptables-nft', `${tool}-nft`, family)));
  }
  return merge(native, saved);
}

/** nf_tables lists the rules of iptables-nft too: one of each, its handle from there. */
function merge(native: readonly RuleTruth[], saved: readonly RuleTruth[]): RuleTruth[] {
  const place = ({ family, table, chain, number }: RuleTruth) =>
    `${family} ${table} ${chain} ${number}`;
  const translated = saved.filter(({ backend }) => backend === 'iptables-nft');
  const handles = new Map(native.map((rule) => [place(rule), rule.handle]));
  const twice = new Set(translated.map(place));
  return [
    ...native.filter((rule) => !twice.has(place(rule))),
    ...saved.map((rule) =>
      rule.backend === 'legacy' ? rule : { ...rule, handle: handles.get(place(rule)) ?? null },
    ),
  ];
}

/** `nft -a list ruleset`: every line within a chain that ends in `# handle N` is a rule. */
export function parseListing(listing: string): RuleTruth[] {
  const rules: RuleTruth[] = [];
  let [family, table, chain, number] = ['', '', '', 0];
  for (const line of listing.split('\n')) {
    const [, text = '', handle] = /^\s*(.*?)\s*# handle (\d+)$/.exec(line) ?? [];
    const [, kind, name = ''] = /^(\w+) (.+?) \{$/.exec(text) ?? [];
    if (kind === 'table') [family = '', table = ''] = name.split(' ');
    else if (kind !== undefined) [chain, number] = [kind === 'chain' ? name : '', 0];
    else if (handle !== undefined && chain !== '' && !table.startsWith('lab_')) {
      const [, packets, bytes] = /counter packets (\d+) bytes (\d+)/.exec(text) ?? [];
      number += 1;
      rules.push({
        backend: 'nft',
        family,
        table,
        chain,
        number,
        handle: Number(handle),
        comment: / comment "([^"]*)"/.exec(text)?.[1] ?? null,
        text,
        packets: packets === undefined ? null : Number(packets),
        bytes: bytes === undefined ? null : Number(bytes),
      });
    }
  }
  return rules;
}

async function save(
  net: Net,
  namespace: string,
  backend: RuleTruth['backend'],
  tool: string,
  family: string,
): Promise<RuleTruth[]> {
  return parseSave(await net.need(namespace, [`${tool}-save`, '-c']), backend, family);
}

/** `iptables-save -c`: `[packets:bytes] -A CHAIN rule` below `*table`. */
export function parseSave(
  text: string,
  backend: RuleTruth['backend'],
  family: string,
): RuleTruth[] {
  const numbers = new Map<string, number>();
  let table = '';
  return text.split('\n').flatMap((line): RuleTruth[] => {
    if (line.startsWith('*')) table = line.slice(1);
    const [, packets, bytes, chain = '', rule = ''] =
      /^\[(\d+):(\d+)\] -A (\S+) ?(.*)$/.exec(line) ?? [];
    if (packets === undefined) return [];
    const number = (numbers.get(`${table} ${chain}`) ?? 0) + 1;
    numbers.set(`${table} ${chain}`, number);
    const [, quoted, bare] = /--comment (?:"([^"]*)"|(\S+))/.exec(rule) ?? [];
    return [
      {
        backend,
        family,
        table,
        chain,
        number,
        handle: null,
        comment: quoted ?? bare ?? null,
        text: rule,
        packets: Number(packets),
        bytes: Number(bytes),
      },
    ];
  });
}
