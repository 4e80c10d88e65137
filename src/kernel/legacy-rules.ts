/** Rules of the legacy backend, as iptables-legacy-save -c writes them. */

import type { BaseChain, NatRule } from '../model/rules.ts';
import { readSystemText } from './system-text.ts';
import { runTool } from './tool.ts';

interface Tables {
  readonly baseChains: readonly BaseChain[];
  readonly natRules: readonly NatRule[];
}

const NONE: Tables = { baseChains: [], natRules: [] };

/** Priority of the nat table at each hook (uapi/linux/netfilter_ipv4.h). */
const NAT_HOOKS: Readonly<Record<string, { hook: string; priority: number }>> = {
  PREROUTING: { hook: 'prerouting', priority: -100 },
  INPUT: { hook: 'input', priority: 100 },
  OUTPUT: { hook: 'output', priority: -100 },
  POSTROUTING: { hook: 'postrouting', priority: 100 },
};

const FAMILIES = [
  { family: 'ip', tool: 'iptables-legacy-save', tables: '/proc/net/ip_tables_names' },
  { family: 'ip6', tool: 'ip6tables-legacy-save', tables: '/proc/net/ip6_tables_names' },
] as const;

/** Asks only where the kernel has the backend: asking creates its tables. */
export function readLegacyTables(netns?: string): Tables {
  const read = FAMILIES.map(({ family, tool, tables }) => {
    if (!loadedTables(tables, netns).includes('nat')) return NONE;
    return parseLegacySave(runTool(tool, ['-c', '-t', 'nat'], netns), family);
  });
  return {
    baseChains: read.flatMap((tables) => tables.baseChains),
    natRules: read.flatMap((tables) => tables.natRules),
  };
}

function loadedTables(path: string, netns: string | undefined): string[] {
  if (readSystemText(path) === undefined) return [];
  const text = netns === undefined ? readSystemText(path) : runTool('cat', [path], netns);
  return (text ?? '').split('\n');
}

/** `[packets:bytes] -A CHAIN rule`, between `*nat` and `COMMIT`. */
export function parseLegacySave(text: string, family: 'ip' | 'ip6'): Tables {
  const lines = text.split('\n');
  const nat = lines.slice(lines.indexOf('*nat') + 1, lines.indexOf('COMMIT'));
  const rules = nat.flatMap((line) => {
    const match = /^\[(\d+):(\d+)\] -A (\S+) (.*)$/.exec(line);
    return match === null ? [] : [match.slice(1) as [string, string, string, string]];
  });
  const hooks = hooksByChain(rules.map(([, , chain, rule]) => [chain, rule]));
  const numbers = new Map<string, number>();
  const natRules = rules.map(([packets, bytes, chain, rule]): NatRule => {
    const handle = (numbers.get(chain) ?? 0) + 1;
    numbers.set(chain, handle);
    return {
      backend: 'legacy',
      family,
      table: 'nat',
      chain,
      ...NAT_HOOKS[chain],
      hooks: [...(hooks.get(chain) ?? [])],
      handle,
      text: rule,
      packets: Number(packets),
      bytes: Number(bytes),
    };
  });
  return { baseChains: nat.flatMap((line) => baseChain(line, family)), natRules };
}

/** `:PREROUTING ACCEPT [3:180]`; a chain of the user's has the policy `-`. */
function baseChain(line: string, family: string): BaseChain[] {
  const [, chain = '', policy = ''] = /^:(\S+) (\S+)/.exec(line) ?? [];
  const at = NAT_HOOKS[chain];
  if (at === undefined) return [];
  return [
    {
      backend: 'legacy',
      family,
      table: 'nat',
      chain,
      type: 'nat',
      ...at,
      policy: policy.toLowerCase(),
    },
  ];
}

function hooksByChain(rules: readonly (readonly [string, string])[]): Map<string, Set<string>> {
  const reached = new Map<string, Set<string>>();
  for (const [name, { hook }] of Object.entries(NAT_HOOKS)) {
    const open = [name];
    for (let chain = open.pop(); chain !== undefined; chain = open.pop()) {
      const hooks = reached.get(chain) ?? new Set();
      if (hooks.has(hook)) continue;
      reached.set(chain, hooks.add(hook));
      for (const [from, rule] of rules) {
        const target = jumpOf(rule);
        if (from === chain && target !== undefined) open.push(target);
      }
    }
  }
  return reached;
}

/** Of `-j` or `-g`; a comment may hold the same letters between its quotes. */
function jumpOf(rule: string): string | undefined {
  const bare = rule.replace(/"(?:\\.|[^"\\])*"/g, '""');
  return /(?:^| )-[jg] (\S+)/.exec(bare)?.[1];
}
