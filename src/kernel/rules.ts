/**
 * Reads the NAT rules that are loaded, of both backends, from what nft and
 * iptables-legacy-save print.
 */
import type { Ruleset } from '../model/rules.ts';
import { readLegacyTables } from './legacy-rules.ts';
import { parseNft } from './nft-rules.ts';
import { runTool } from './tool.ts';

/** The rules of one network namespace: that of `ip netns` by name, else our own. */
export function readRuleset(netns?: string): Ruleset {
  const nft = parseNft(
    runTool('nft', ['-j', 'list', 'ruleset'], netns),
    runTool('nft', ['-s', '-a', 'list', 'ruleset'], netns),
  );
  const legacy = readLegacyTables(netns);
  return {
    baseChains: [...nft.baseChains, ...legacy.baseChains],
    natRules: [...nft.natRules, ...legacy.natRules],
  };
}
