/**
 * Loaded NAT rules with their counters, in the order the kernel evaluates them
 * within a chain: what an explanation sets against the trace.
 */
export type RulesBackend = 'nft' | 'legacy';

export interface BaseChain {
  readonly backend: RulesBackend;
  /** As nft names it: ip, ip6, inet, bridge, arp, netdev. */
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  /** nat, filter, route. */
  readonly type: string;
  readonly hook: string;
  readonly priority: number;
  readonly policy: string;
}

export interface NatRule {
  readonly backend: RulesBackend;
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  /** Of its own chain; absent for a chain that is only jumped to. */
  readonly hook?: string;
  readonly priority?: number;
  /** Hooks whose nat chains lead here, by jumps too. */
  readonly hooks: readonly string[];
  /** nft: the handle. legacy: number of the rule in its chain, from 1. */
  readonly handle: number;
  /** The rule as its own tool writes it, without the counter's values. */
  readonly text: string;
  /** Absent where the rule counts nothing. */
  readonly packets?: number;
  readonly bytes?: number;
}

export interface Ruleset {
  readonly baseChains: readonly BaseChain[];
  readonly natRules: readonly NatRule[];
}
