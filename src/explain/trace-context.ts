/** What findings about rules must know of the trace they come from. */
import type { NetnsPlace, TraceFacts } from '../model/facts.ts';
import { type Ledger, totalLost } from '../model/ledger.ts';
import type { RuleRow } from './rule-rows.ts';
import { throughNetns } from './through.ts';

export interface TraceContext {
  /** Records lost; null: the trace was cut short. */
  readonly lost: number | null;
  /** ns since 1970; null: no loss, or it is not known when. */
  readonly lossWindow: { readonly from: number; readonly to: number } | null;
  readonly sample: number;
  readonly filter: string;
  readonly detail: string;
  /** What is known of each namespace, by inode. */
  readonly places: Readonly<Record<string, NetnsPlace>>;
  readonly netnsName: (inode: number) => string;
  /** The name by which `ip netns exec` enters it; undefined: not by name, or not needed. */
  readonly enterableName: (inode: number) => string | undefined;
  /** Words before a command that is to run there. */
  readonly through: (inode: number) => readonly string[];
}

export function contextOf(facts: TraceFacts, ledger: Ledger | null): TraceContext {
  const { netnsNames, sample, filter, detail, clockOffsetNs, places = {} } = facts;
  const window = ledger?.lossWindow ?? null;
  const wall = (ktime: string): number => Number(BigInt(ktime) + BigInt(clockOffsetNs));
  return {
    lost: ledger === null ? null : totalLost(ledger),
    lossWindow: window === null ? null : { from: wall(window.fromNs), to: wall(window.toNs) },
    ...{ sample, filter, detail, places },
    netnsName: (inode) => netnsNames[inode] ?? String(inode),
    through: (inode) => throughNetns(inode, netnsNames[inode]),
    enterableName: (inode) => (netnsNames[inode] === 'init' ? undefined : netnsNames[inode]),
  };
}

/** Were records lost while the rule was loaded? */
export function isTouched({ addedAt, removedAt }: RuleRow, context: TraceContext): boolean {
  const { lost, lossWindow } = context;
  if (lost === 0) return false;
  if (lossWindow === null) return true;
  return (addedAt ?? 0) <= lossWindow.to && lossWindow.from <= (removedAt ?? Infinity);
}

/** `3 records were lost`, or that nobody knows how many. */
export function lossText({ lost }: TraceContext): string {
  if (lost === null) return 'the trace was cut short';
  return lost === 1 ? '1 record was lost' : `${lost} records were lost`;
}
