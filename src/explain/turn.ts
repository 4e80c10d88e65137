/** What one class of packets comes to for one rule, of all hooks that lead to it. */
import { HOOKS, type HookName, Status } from '../model/codes.ts';
import type { Met } from './evaluate.ts';
import type { FlowFact } from './flow-facts.ts';
import { onlyIfOf } from './match-text.ts';
import type { PacketClass } from './packet-classes.ts';
import { addTo, type RuleAccount, type Whose } from './rule-account.ts';
import type { Weight } from './weigh-rule.ts';

export interface Turn {
  readonly account: RuleAccount;
  weight: NonNullable<Weight>;
  /** Null where the kernel alone names the rule. */
  met: Met | null;
  rank: number;
}

const AWAY = 20;

/** Was it told of a hook that the packet does not come to? */
export function isAwayRank(rank: number): boolean {
  return rank >= AWAY;
}

/** The less, the more telling. */
export function rankOf({ cause }: NonNullable<Weight>, hook: HookName, isAway: boolean): number {
  if (cause === 'decided' || cause === 'confirmed nowhere') return 0;
  return (isAway ? AWAY : 10) + HOOKS.indexOf(hook);
}

export function whoseOf(one: PacketClass, flow: FlowFact | undefined): Whose {
  if (flow === undefined) return { flow: null, tuple: one.tuple!, netns: one.netns };
  return { flow, tuple: flow, netns: one.netns };
}

/** Counts a class of packets where it belongs. */
export function settle(
  { account, weight, met }: Turn,
  whose: Whose,
  { packets, evidence }: PacketClass,
): void {
  const { cause, detail, by } = weight;
  const tally = cause === 'decided' ? account.decided : account.tallyOf(cause, detail, by);
  addTo(tally, whose, packets, evidence);
  if (((whose.flow?.status ?? 0) & Status.offload) !== 0) {
    addTo(account.offloaded, whose, 0, []);
  }
  if (met === null || met.truth === 'yes' || cause === 'decided' || cause === 'confirmed nowhere')
    return;
  const text = onlyIfOf(met);
  account.onlyIf.set(text, (account.onlyIf.get(text) ?? 0) + packets);
}
