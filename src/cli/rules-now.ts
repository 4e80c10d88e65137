/** The NAT rules that are loaded in the namespaces of a trace, with what their counters say. */
import { ownNetns } from '../kernel/netns.ts';
import { readRuleset } from '../kernel/rules.ts';
import type { NatRule } from '../model/rules.ts';
import { describeError } from './failure.ts';

export interface NetnsRules {
  readonly netns: number;
  readonly name: string;
  readonly rules: readonly NatRule[];
}

/**
 * Of our own namespace and of those that `ip netns` knows by name; others cannot
 * be entered. Rules that cannot be read are no failure of a trace: one line on
 * stderr says so.
 */
export function rulesNow(
  namespaces: readonly { readonly netns: number; readonly name: string }[],
  names: Readonly<Record<string, string>>,
): NetnsRules[] {
  const own = ownNetns();
  const found: NetnsRules[] = [];
  const seen = namespaces.some(({ netns }) => netns === own);
  const ours = seen ? [] : [{ netns: own, name: names[own] ?? String(own) }];
  for (const { netns, name } of [...ours, ...namespaces]) {
    const isNamed = names[netns] !== undefined && names[netns] !== 'init';
    if (netns !== own && !isNamed) continue;
    try {
      const { natRules } = readRuleset(netns === own ? undefined : name);
      if (natRules.length > 0) found.push({ netns, name, rules: natRules });
    } catch (error) {
      process.stderr.write(describeError(error));
    }
  }
  return found;
}

/** `ip nat prerouting handle 4: tcp dport 2222 counter redirect to :9999: 3 counted since it was loaded`. */
export function rulesText(namespaces: readonly NetnsRules[]): string {
  return namespaces
    .map(({ name, rules }) => [`nat rules loaded in ${name}:`, ...rules.map(ruleLine)].join('\n  '))
    .map((text) => `\n${text}\n`)
    .join('');
}

function ruleLine(rule: NatRule): string {
  const number = rule.backend === 'nft' ? `handle ${rule.handle}` : `rule ${rule.handle}`;
  const counter =
    rule.packets === undefined ? 'no counter' : `${rule.packets} counted since it was loaded`;
  return `${rule.family} ${rule.table} ${rule.chain} ${number}: ${rule.text}: ${counter}`;
}
