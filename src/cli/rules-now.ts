/** The NAT rules that are loaded in the namespaces of a trace, with what their counters say. */
import { ownNetns } from '../kernel/netns.ts';
import { readRuleset } from '../kernel/rules.ts';
import { readLegacyTable } from '../libbpf/legacy-table.ts';
import type { Chain, Rule, Ruleset } from '../model/ruleset.ts';
import { describeError } from './failure.ts';

export interface NetnsRules extends Ruleset {
  readonly name: string;
}

/**
 * Of our own namespace and of those of the trace that can still be entered.
 * Rules that cannot be read are no failure of a trace: one line on stderr says so.
 */
export function rulesNow(
  namespaces: readonly { readonly netns: number; readonly name: string }[],
  names: Readonly<Record<string, string>>,
): NetnsRules[] {
  const own = ownNetns();
  const found: NetnsRules[] = [];
  const isSeen = namespaces.some(({ netns }) => netns === own);
  const ours = isSeen ? [] : [{ netns: own, name: names[own] ?? String(own) }];
  for (const { netns, name } of [...ours, ...namespaces]) {
    try {
      const ruleset = readRuleset({ netns, readTable: readLegacyTable });
      const hasRules = ruleset.chains.some(({ rules }) => rules.length > 0);
      if (hasRules || ruleset.notes.length > 0) found.push({ ...ruleset, name });
    } catch (error) {
      process.stderr.write(describeError(error));
    }
  }
  return found;
}

/** `ip nat prerouting handle 4: tcp dport 2222 counter redirect to :9999: 3 counted since it was loaded`. */
export function rulesText(namespaces: readonly NetnsRules[]): string {
  return namespaces
    .map(({ name, chains, notes }) => [
      `nat rules loaded in ${name}:`,
      ...chains.flatMap((chain) => chain.rules.map((rule) => ruleLine(chain, rule))),
      ...notes,
    ])
    .map((lines) => `\n${lines.join('\n  ')}\n`)
    .join('');
}

function ruleLine({ backend, family, table, name }: Chain, rule: Rule): string {
  const number = backend === 'nft' ? `handle ${rule.handle}` : `rule ${rule.number}`;
  const counter =
    rule.packets === undefined ? 'no counter' : `${rule.packets} counted since it was loaded`;
  return `${family} ${table} ${name} ${number}: ${rule.text}: ${counter}`;
}
