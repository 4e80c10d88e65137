/** Which rule somebody means. */
import { TraceError } from '../model/error.ts';
import type { RuleFinding } from './rule-findings.ts';

/** So many names are given where none or several match. */
const SHOWN = 8;

/**
 * `ip nat prerouting handle 4`, `nat/prerouting/4`, `4`; of iptables
 * `nat/POSTROUTING/3`; or its comment; before any of them `netns: `.
 * Throws TraceError of kind usage where none is meant, or several are.
 */
export function selectRule(rules: readonly RuleFinding[], selector: string): RuleFinding {
  const wanted = selector
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/^([^\s:/]+): ?/, '$1: ');
  const found = rules.filter((rule) => namesOf(rule).includes(wanted));
  if (found.length === 1) return found[0]!;
  const which = found.length === 0 ? nearest(rules, wanted) : found;
  const shown = which.slice(0, SHOWN).map(({ netnsName, name }) => `"${netnsName}: ${name}"`);
  const more = which.length > SHOWN ? ` and ${which.length - SHOWN} more` : '';
  const needed =
    found.length === 0 ? 'needed one of' : `that is ${found.length} rules, needed one of`;
  const there =
    which.length === 0 ? 'the trace has no rules' : `${needed} ${shown.join(', ')}${more}`;
  throw new TraceError('usage', `--rule: found "${selector}", ${there}`);
}

/** Those of the chain that was named, if there are any. */
function nearest(rules: readonly RuleFinding[], wanted: string): readonly RuleFinding[] {
  const chain = /\/([^/]+)\//.exec(wanted)?.[1];
  const beside = rules.filter(({ name }) => name.split(/[ /]/).includes(chain ?? ''));
  return beside.length === 0 ? rules : beside;
}

/** Of nft and of iptables. */
const COMMENT = /comment (?:"([^"]*)"|(\S+))/;

/** `ip nat prerouting handle 4` has a short form, and its handle alone. */
const NFT = /^(\S+) (\S+) (\S+) handle (\d+)$/;

function namesOf({ name, netnsName, text }: RuleFinding): string[] {
  const [, , table, chain, handle] = NFT.exec(name) ?? [];
  const short = handle === undefined ? [] : [`${table}/${chain}/${handle}`, handle];
  const [, quoted, bare] = COMMENT.exec(text) ?? [];
  const comment = quoted ?? bare;
  const all = [name, ...short, ...(comment === undefined ? [] : [comment])];
  return all.flatMap((one) => [one, `${netnsName}: ${one}`]);
}
