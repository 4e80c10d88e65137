import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withOffsets } from '../../src/kernel/legacy-rules.ts';
import { entryOffsets, type LegacyTable } from '../../src/kernel/legacy-table.ts';
import type { Rule } from '../../src/model/ruleset.ts';

const INFO_BYTES = 84;

function fixture(name: string): LegacyTable {
  const bytes = new Uint8Array(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));
  return { info: bytes.subarray(0, INFO_BYTES), entries: bytes.subarray(INFO_BYTES) };
}

// An entry of ip is 112 bytes, of ip6 168; a match of tcp or udp 48, one of comment 288;
// a verdict 40, DNAT 80, MASQUERADE and REDIRECT 56 (ip) or 72 (ip6), the head of a chain 64.
describe('places of rules in a table of legacy iptables', () => {
  it('leave out policies, and heads and ends of the chains of the user', () => {
    const policy = 112 + 40;
    const second = 112 + 48 + 40;
    const input = second + (112 + 48 + 288 + 80) + policy;
    const masquerade = input + policy + policy;
    const user = masquerade + (112 + 56) + policy + (112 + 64);
    expect([...entryOffsets('ip', fixture('legacy-table.bin'))]).toEqual([
      ['PREROUTING', [0, second]],
      ['INPUT', []],
      ['OUTPUT', []],
      ['POSTROUTING', [masquerade]],
      ['USER', [user, user + 112 + 56]],
    ]);
  });

  it('are counted in larger entries for IPv6', () => {
    const policy = 168 + 40;
    const user = 2 * policy + policy + policy + policy + (168 + 64);
    expect([...entryOffsets('ip6', fixture('legacy-table-ip6.bin'))]).toEqual([
      ['PREROUTING', []],
      ['INPUT', []],
      ['OUTPUT', [2 * policy]],
      ['POSTROUTING', []],
      ['USER', [user, user + 168 + 48 + 72]],
    ]);
  });

  it('are refused where an entry has no length, or the table ends within one', () => {
    const table = fixture('legacy-table.bin');
    const half = { ...table, entries: table.entries.subarray(0, 300) };
    expect(() => entryOffsets('ip', half)).toThrow(
      'iptables table: entry at 200 is 528 bytes long, the table 300',
    );
    const zeros = { ...table, entries: new Uint8Array(300) };
    expect(() => entryOffsets('ip', zeros)).toThrow('entry at 0 is 0 bytes long');
  });

  it('are not taken where the saved text has another number of rules', () => {
    const rule: Rule = { handle: 0, number: 1, text: '-j ACCEPT', terms: [], actions: [] };
    const chain = {
      backend: 'legacy' as const,
      family: 'ip',
      table: 'nat',
      tableHandle: 0,
      name: 'USER',
      rules: [rule],
    };
    expect(withOffsets([chain], new Map([['USER', [7, 9]]]))).toBeUndefined();
    expect(withOffsets([chain], new Map())).toBeUndefined();
    const [placed] = withOffsets([chain], new Map([['USER', [7]]])) ?? [];
    expect(placed?.rules[0]?.offset).toBe(7);
  });
});
