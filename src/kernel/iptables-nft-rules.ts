/**
 * Tables that iptables keeps in nf_tables: nft's JSON has handles, but of what
 * iptables compiled in (xt expressions) only the name; iptables-nft-save has the
 * words, but no handles. Rules of a chain stand in the same order in both.
 */
import type { Chain, Rule } from '../model/ruleset.ts';
import { parseSave } from './iptables-save.ts';
import type { NftTable } from './nft-json.ts';

/** Base chains as iptables makes them. */
const BASE_CHAINS = ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'];

export interface MergedTable {
  readonly chains: readonly Chain[];
  readonly notes: readonly string[];
  /** The two listings are of different times: some rules stand without terms. */
  readonly isTorn: boolean;
}

/** Whether iptables may have made the table: then its own tool is asked. */
export function mayBeOfIptables(table: NftTable): boolean {
  const { family, name, chains } = table;
  if ((family !== 'ip' && family !== 'ip6') || name !== 'nat') return false;
  const bases = chains.filter(({ hook }) => hook !== undefined);
  const isNamed = bases.length > 0 && bases.every((base) => BASE_CHAINS.includes(base.name));
  return isNamed || handlesOfXt(table).size > 0;
}

/** Rules with an expression of iptables' own (nft_compat). */
function handlesOfXt({ rules }: NftTable): Set<number> {
  const own = [...rules.values()].flat().filter(({ expr }) => expr.some((part) => 'xt' in part));
  return new Set(own.map(({ handle }) => handle));
}

/** `chains` of the table by nft; `save`: what iptables-nft-save says of it, undefined: not installed. */
export function mergeSaved(
  chains: readonly Chain[],
  table: NftTable,
  save: string | undefined,
): MergedTable {
  const xt = handlesOfXt(table);
  const saved = save === undefined ? undefined : parseSave(save);
  const place = `table ${table.family} ${table.name}`;
  if (saved === undefined || saved.chains.length === 0) {
    const why = saved === undefined ? 'is not installed' : 'cannot read the whole table';
    const note = `${place}: rules of iptables stand without terms: iptables-nft-save ${why}`;
    return { chains, notes: xt.size === 0 ? [] : [note], isTorn: false };
  }
  const byName = new Map(saved.chains.map((chain) => [chain.name, chain.rules]));
  const torn = chains.filter(({ name, rules }) => byName.get(name)?.length !== rules.length);
  const merged = chains.map((chain): Chain => {
    if (torn.includes(chain)) return { ...chain, backend: 'iptables-nft' };
    const own = byName.get(chain.name) ?? [];
    const rules = chain.rules.map((rule, index) => mergeRule(rule, own[index], xt));
    return { ...chain, backend: 'iptables-nft', rules };
  });
  const notes = torn.map(
    ({ name }) => `${place} chain ${name}: changed while it was read, its xt rules have no terms`,
  );
  return { chains: merged, notes: [...saved.notes, ...notes], isTorn: torn.length > 0 };
}

/** What has no xt expression is told whole by nft, which alone reads what its own rules compare. */
function mergeRule(rule: Rule, saved: Rule | undefined, xt: ReadonlySet<number>): Rule {
  if (saved === undefined) return rule;
  const { text, terms, actions } = saved;
  const isTold = !xt.has(rule.handle) && rule.terms.every((term) => 'fields' in term);
  return isTold ? { ...rule, text } : { ...rule, text, terms, actions };
}
