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

/** Has it lost what it had counted, as far as the trace can tell? */
export function wasReset({ delta, seen, why }: CounterCheck): boolean {
  return delta < 0 || (delta < seen && why.startsWith(RESET));
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
const RESET = 'it was set to zero meanwhile';
const IS_BEHIND = 'it stands behind the statement that ends the rule';
/** In nft's listing: a counter that no packet comes to. */
const BEHIND_STATEMENT = /\b(?:dnat|snat|masquerade|redirect)\b[^"]*\bcounter\b/;

function whyNot(account: RuleAccount, delta: number, seen: number, context: TraceContext): string {
  if (delta < 0) return 'the counter was reset, or the rule loaded anew';
  if (account.row.removedAt !== null && delta < seen) return LAST_READ;
  if (isTouched(account.row, context)) return `unknown: ${lossText(context)}`;
  if (delta < seen) {
    const { backend, text } = account.row;
    const isBehind = backend === 'nft' && delta === 0 && BEHIND_STATEMENT.test(text);
    return isBehind ? IS_BEHIND : `${RESET}, ${seen - delta} missing`;
  }
  if (!account.isNat && context.detail === 'flows') return 'of flows alone, packets are not traced';
  if (delta > seen && context.sample > 1) return `one flow of ${context.sample} was traced`;
  if (delta > seen && context.filter !== '') return `only "${context.filter}" was traced`;
  return `not explained: ${delta - seen} more than were seen`;
}
