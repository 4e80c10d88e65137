/**
 * Counts to findings: per namespace and hook why nat counters move or stay, per
 * flow and direction who decided. Findings are plain data; describe.ts words them.
 */
import { HOOKS, type HookName } from '../model/codes.ts';
import { type Ledger, totalLost } from '../model/ledger.ts';
import type { Account } from './account.ts';
import type { DirectionAccount, FlowAccount, HookAccount, Skip } from './counts.ts';

export interface SkipFinding {
  readonly cause: Skip;
  readonly packets: number;
  /** Values of packets.packet. */
  readonly evidence: readonly string[];
}

export interface DropFinding {
  /** The kernel's reason and the function that freed the packet. */
  readonly reason: string;
  readonly packets: number;
  readonly evidence: readonly string[];
}

export interface HookFinding {
  readonly hook: HookName;
  readonly packets: number;
  readonly chainsRan: number;
  readonly evidence: readonly string[];
  /** The causes add up: packets = chainsRan + these. */
  readonly skipped: readonly SkipFinding[];
  /** Packets that ended at this hook; counted above as well. */
  readonly dropped: readonly DropFinding[];
}

export interface NetnsFinding {
  readonly netns: number;
  readonly name: string;
  readonly packets: number;
  readonly torn: number;
  readonly hooks: readonly HookFinding[];
}

export interface FlowFinding extends Omit<FlowAccount, 'chainHooks' | 'directions'> {
  readonly netnsName: string;
  readonly chainHooks: readonly HookName[];
  readonly directions: Readonly<Record<'original' | 'reply', Readonly<DirectionAccount>>>;
}

export interface Findings {
  /** known: nothing was lost. unknown: the counts are what was seen, no more. */
  readonly certainty: 'known' | 'unknown';
  /** Records lost; null where the trace was cut short and has no ledger. */
  readonly lost: number | null;
  readonly lossWindow: Ledger['lossWindow'];
  readonly namespaces: readonly NetnsFinding[];
  /** Most packets first. */
  readonly flows: readonly FlowFinding[];
}

export function findingsOf(
  account: Account,
  ledger: Ledger | null,
  netnsName: (inode: number) => string,
): Findings {
  const lost = ledger === null ? null : totalLost(ledger);
  return {
    certainty: lost === 0 ? 'known' : 'unknown',
    lost,
    lossWindow: ledger?.lossWindow ?? null,
    namespaces: [...account.namespaces]
      .map(([netns, found]) => ({
        netns,
        name: netnsName(netns),
        packets: found.packets,
        torn: found.torn,
        hooks: HOOKS.flatMap((hook) => hookFinding(hook, found.hooks.get(hook))),
      }))
      .sort((a, b) => b.packets - a.packets || a.netns - b.netns),
    flows: [...account.flows.values()]
      .map((flow) => flowFinding(flow, netnsName))
      .sort((a, b) => packetsOf(b) - packetsOf(a) || Number(a.flow) - Number(b.flow)),
  };
}

export function packetsOf({ directions }: Pick<FlowFinding, 'directions'>): number {
  return directions.original.packets + directions.reply.packets;
}

function hookFinding(hook: HookName, found: HookAccount | undefined): HookFinding[] {
  if (found === undefined) return [];
  const skipped = [...found.skipped]
    .map(([cause, { packets, examples }]) => ({ cause, packets, evidence: examples }))
    .sort((a, b) => b.packets - a.packets || (a.cause < b.cause ? -1 : 1));
  const dropped = [...found.dropped].map(([reason, tally]) => ({
    reason,
    packets: tally.packets,
    evidence: tally.examples,
  }));
  const { packets, ran } = found;
  return [{ hook, packets, chainsRan: ran.packets, evidence: ran.examples, skipped, dropped }];
}

function flowFinding(flow: FlowAccount, netnsName: (inode: number) => string): FlowFinding {
  return {
    ...flow,
    netnsName: netnsName(flow.netns),
    chainHooks: HOOKS.filter((hook) => flow.chainHooks.has(hook)),
  };
}
