import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseLegacySave } from '../../src/kernel/legacy-rules.ts';
import { parseNft } from '../../src/kernel/nft-rules.ts';
import { hasTool, runTool } from '../../src/kernel/tool.ts';

function fixture(name: string): string {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
}

describe('rules of nft', () => {
  const { baseChains, natRules } = parseNft(fixture('nft.json'), fixture('nft.txt'));
  const byHandle = (table: string, handle: number) =>
    natRules.find((rule) => rule.table === table && rule.handle === handle);

  it('knows hook, priority, type and policy of every base chain', () => {
    expect(
      baseChains.map(({ table, chain, hook, priority }) => [table, chain, hook, priority]),
    ).toEqual([
      ['nat2', 'pre', 'prerouting', -100],
      ['nat2', 'post', 'postrouting', 100],
      ['f', 'in', 'input', 0],
      ['f', 'n6', 'prerouting', -90],
    ]);
    expect(baseChains[2]).toMatchObject({
      backend: 'nft',
      type: 'filter',
      policy: 'drop',
      family: 'inet',
    });
  });

  it('reads a rule with its counter and its text', () => {
    expect(byHandle('f', 9)).toEqual({
      backend: 'nft',
      family: 'inet',
      table: 'f',
      chain: 'n6',
      hook: 'prerouting',
      priority: -90,
      hooks: ['prerouting'],
      handle: 9,
      text: 'ip saddr { 10.0.0.0/24, 10.1.0.0/24, 10.2.0.0/24, 10.3.0.0/24, 10.4.0.0/24, 10.5.0.0/24, 10.6.0.0/24 } tcp dport 99 counter dnat ip to 10.9.9.9',
      packets: 11,
      bytes: 660,
    });
  });

  it('is not misled by a comment that looks like a handle', () => {
    const rule = natRules.find(({ text }) => text.includes('10.0.0.2'));
    expect(rule?.text).toMatch(/comment "two # handle 9"$/);
    expect(rule?.packets).toBe(3);
  });

  it('reads the counter that a rule names', () => {
    expect(natRules.find(({ chain }) => chain === 'post')).toMatchObject({
      packets: 7,
      bytes: 420,
    });
  });

  it('follows jumps, those of a verdict map too, from nat chains only', () => {
    const sub = natRules.filter(({ chain }) => chain === 'sub');
    expect(sub).toHaveLength(1);
    expect(sub[0]).toMatchObject({
      hooks: ['prerouting'],
      text: 'udp dport 53 counter dnat to 1.1.1.1 comment "dns"',
    });
    expect(sub[0]).not.toHaveProperty('hook');
    expect(natRules.some(({ chain }) => chain === 'in')).toBe(false);
  });

  it('counts nothing for a rule without a counter', () => {
    const jump = natRules.find(({ text }) => text === 'jump sub');
    expect(jump).toBeDefined();
    expect(jump).not.toHaveProperty('packets');
  });

  it('shows a rule that is not in the listing by its expressions', () => {
    const { natRules: bare } = parseNft(fixture('nft.json'), '');
    expect(bare[0]?.text).toContain('"redirect"');
  });

  it('reads an empty ruleset', () => {
    expect(parseNft('{"nftables": [{"metainfo": {}}]}', '')).toEqual({
      baseChains: [],
      natRules: [],
    });
  });

  it('refuses what is not JSON', () => {
    expect(() => parseNft('Error', '')).toThrow('nft printed 5 bytes that are not JSON');
  });
});

describe('rules of iptables-legacy', () => {
  const { baseChains, natRules } = parseLegacySave(fixture('legacy.txt'), 'ip');

  it('knows the four chains of the nat table', () => {
    expect(baseChains.map(({ chain, hook, priority }) => [chain, hook, priority])).toEqual([
      ['PREROUTING', 'prerouting', -100],
      ['INPUT', 'input', 100],
      ['OUTPUT', 'output', -100],
      ['POSTROUTING', 'postrouting', 100],
    ]);
  });

  it('numbers rules by chain and reads their counters', () => {
    const service = natRules.filter(({ chain }) => chain === 'SVC');
    expect(service.map(({ handle }) => handle)).toEqual([1, 2]);
    expect(service[0]).toMatchObject({ packets: 3, bytes: 180, backend: 'legacy', family: 'ip' });
    expect(service[0]?.text).toContain('--to-destination 10.0.0.7:8181');
  });

  it('follows jumps, and not what a comment says', () => {
    expect(natRules.find(({ chain }) => chain === 'SVC')?.hooks).toEqual(['prerouting', 'output']);
    expect(natRules.find(({ chain }) => chain === 'POSTROUTING')).toMatchObject({
      hook: 'postrouting',
      priority: 100,
    });
  });
});

describe('a tool that reads rules', () => {
  it('is named when it is not installed', () => {
    expect(() => runTool('conntrail-no-such-tool', [])).toThrow(
      'conntrail-no-such-tool is not installed, needed to read the loaded rules',
    );
    expect(hasTool('conntrail-no-such-tool')).toBe(false);
  });

  it('is refused with its own words', () => {
    expect(() => runTool('sh', ['-c', 'echo "Operation not permitted" >&2; exit 1'])).toThrow(
      /: Operation not permitted$/,
    );
    expect(() => runTool('sh', ['-c', 'exit 7'])).toThrow('exit status 7');
  });
});
