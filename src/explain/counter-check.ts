/** The kernel's counter of a rule against the flows that the rule decided. */
import type { RuleAccount } from './rule-account.ts';
import { isTouched, lossText, type TraceContext } from './trace-context.ts';

export interface CounterCheck {
  readonly before: number;
  readonly after: number;
  readonly delta: number;
  /** What the trace saw it count: flows decided by a NAT rule, packets that a counting rule let by. */
  readonly seen: number;
  readonly agrees: boolean;
  /** Why it does not; empty where it does. */
  readonly why: string;
}

export function checkCounter(account: RuleAccount, context: TraceContext): CounterCheck | null {
  const { counter } = account.row;
  if (counter === null) return null;
  // a rule that was added begins at 0: when it was read first, it may have counted already
  const before = account.row.addedAt === null ? counter.before : 0;
  const { after } = counter;
  const delta = after - before;
  const seen = account.isNat
    ? Math.max(account.flowsDecided, account.decided.flows)
    : account.decided.packets;
  const agrees = delta === seen;
  return {
    before,
    after,
    delta,
    seen,
    agrees,
    why: agrees ? '' : whyNot(account, delta, seen, context),
  };
}

const LAST_READ = 'it was read last before the rule went away';

function whyNot(account: RuleAccount, delta: number, seen: number, context: TraceContext): string {
  if (delta < 0) return 'the counter was reset, or the rule loaded anew';
  if (account.row.removedAt !== null && delta < seen) return LAST_READ;
  if (isTouched(account.row, context)) return `unknown: ${lossText(context)}`;
  if (delta > seen && context.sample > 1) return `one flow of ${context.sample} was traced`;
  if (delta > seen && context.filter !== '') return `only "${context.filter}" was traced`;
  return `not explained: ${Math.abs(delta - seen)} ${delta > seen ? 'more' : 'fewer'} than were seen`;
}
