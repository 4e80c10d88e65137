/** Stale mappings in words. */
import { endText } from '../model/address.ts';
import type { Entry } from '../model/entry.ts';
import type { Chain, Interval, Rule, Target } from '../model/ruleset.ts';
import type { Stored } from '../table/mapping.ts';
import { entryText } from '../table/tuple-text.ts';
import type { Decision } from './evaluate.ts';
import type { Stale } from './stale.ts';

export function storedText({ manip, before, after, isMapped }: Stored): string {
  const end = manip === 'src' ? 'source' : 'destination';
  const place = ({ address, port }: Stored['after']): string =>
    endText(address, port ?? 0, port !== null);
  return isMapped
    ? `${end} ${place(before)} mapped to ${place(after)}`
    : `${end} ${place(before)} not mapped`;
}

/** `ip nat prerouting handle 4 (nft): tcp dport 2222 dnat to 10.0.2.5`. */
export function ruleName(rule: Rule, chain: Chain): string {
  const number = chain.backend === 'legacy' ? `rule ${rule.number}` : `handle ${rule.handle}`;
  const { family, table, name, backend } = chain;
  return `${family} ${table} ${name} ${number} (${backend}): ${rule.text}`;
}

export function targetText({ kind, addresses, ports }: Target): string {
  const address = addresses === null ? '' : addresses.map(intervalText).join(', ');
  const shown = address.includes(':') && ports !== null ? `[${address}]` : address;
  const port = ports === null ? '' : `:${ports.map(intervalText).join(', ')}`;
  const place = `${shown}${port}`;
  return place === '' ? kind : `${kind} to ${place}`;
}

function intervalText([first, last]: Interval): string {
  return first === last ? first : `${first}-${last}`;
}

/** What the rules would decide now, a line each. */
export function nowTexts(now: readonly Decision[]): string[] {
  return now.map(({ rule, chain, targets }) => {
    if (rule === null || chain === null) return 'null mapping: no rule holds';
    return `${targets.map(targetText).join(' or ')}, by ${ruleName(rule, chain)}`;
  });
}

export function ageText({ ageS }: Entry, isOlder: boolean): string {
  if (isOlder) return 'older than the trace';
  return ageS === null ? 'age not known' : `${ageS}s old`;
}

/** `about`: age and rate. Several lines: the entry, what it holds, what the rules would decide. */
export function staleText(stale: Stale, about: readonly string[], command: string): string {
  const { entry, kind, stored, now, hooks } = stale;
  const [first = '', ...others] = nowTexts(now);
  return [
    `${kind}: ${[entryText(entry), ...about].join(', ')}`,
    `  stored: ${storedText(stored)}`,
    `  now at ${hooks.join(' or ')}: ${first}`,
    ...others.map((text) => `    or ${text}`),
    `  delete: ${command}`,
  ].join('\n');
}
