/**
 * A rule as the kernel side names it: enum record_rule of bpf/record.h, two
 * words, low first. The hook is where it was asked, no part of what it is.
 */
import { RuleBits, RuleKind } from '../wire/layout.ts';

const NUMBER_HIGH_BITS = RuleBits.numberBits - 32;
const HOOK_SHIFT = NUMBER_HIGH_BITS + RuleBits.tableBits;
const KIND_SHIFT = HOOK_SHIFT + RuleBits.hookBits;

export interface RuleName {
  readonly backend: 'nft' | 'legacy';
  /** nft: handle of the table. legacy: changes with every change of the table. */
  readonly table: number;
  /** nft: handle of the rule. legacy: offset of the target's data in the table, bytes. */
  readonly number: number;
}

/** The upper word without the hook: with the lower one, what a rule is told by. */
export function withoutHook(high: number): number {
  return high & ~(((1 << RuleBits.hookBits) - 1) << HOOK_SHIFT);
}

export function isLegacy(high: number): boolean {
  return high >>> KIND_SHIFT === RuleKind.legacy;
}

/** False: there was none, or its header was not found. */
export function namesRule(high: number): boolean {
  const kind = high >>> KIND_SHIFT;
  return kind === RuleKind.nft || kind === RuleKind.legacy;
}

export function ruleName(low: number, high: number): RuleName {
  const numberHigh = high & ((1 << NUMBER_HIGH_BITS) - 1);
  return {
    backend: isLegacy(high) ? 'legacy' : 'nft',
    table: (high >>> NUMBER_HIGH_BITS) & ((1 << RuleBits.tableBits) - 1),
    number: numberHigh * 0x1_0000_0000 + (low >>> 0),
  };
}
