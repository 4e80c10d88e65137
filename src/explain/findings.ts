/**
 * Counts to findings: per namespace and hook why nat counters move or stay, per
 * flow and direction who decided. Findings are plain data; describe.ts words them.
 */
import { HOOKS, type HookName, protocolName } from '../model/codes.ts';
import { type Ledger, totalLost } from '../model/ledger.ts';
import type { Account } from './account.ts';
import type { DirectionAccount, FlowAccount, HookAccount, Skip } from './counts.ts';
import type { FlowFacts } from './flow-facts.ts';

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

export interface FlowFinding {
  readonly flow: string;
  readonly netns: number;
  readonly protocol: string;
  readonly original: string;
  readonly reply: string;
  readonly srcNat: string;
  readonly dstNat: string;
  readonly confirm: string;
  readonly end: string;
  readonly isOlder: boolean;
  readonly isComplete: boolean;
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

type Names = (inode: number) => string;

/** `most`: so many flows are told; all of them are counted. */
export function findingsOf(
  account: Account,
  ledger: Ledger | null,
  netnsName: Names,
  most = Number.POSITIVE_INFINITY,
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
      .sort((a, b) => packetsOf(b) - packetsOf(a) || a.flow - b.flow)
      .slice(0, most)
      .map((flow) => flowFinding(flow, account.facts, netnsName)),
  };
}

export function packetsOf({ directions }: Pick<FlowFinding, 'directions'>): number {
  return directions.original.packets + directions.reply.packets;
}

function hookFinding(hook: HookName, found: HookAccount | undefined): HookFinding[] {
  if (found === undefined) return [];
  const skipped = [...found.skipped]
    .map(([cause, { packets, examples }]) => ({ cause, packets, evidence: examples.map(String) }))
    .sort((a, b) => b.packets - a.packets || (a.cause < b.cause ? -1 : 1));
  const dropped = [...found.dropped].map(([reason, tally]) => ({
    reason,
    packets: tally.packets,
    evidence: tally.examples.map(String),
  }));
  const { packets, ran } = found;
  return [
    { hook, packets, chainsRan: ran.packets, evidence: ran.examples.map(String), skipped, dropped },
  ];
}

function flowFinding(
  { flow, netns, directions, chainHooks }: FlowAccount,
  facts: FlowFacts,
  netnsName: Names,
): FlowFinding {
  const fact = facts.get(flow);
  return {
    ...{ flow: String(flow), netns },
    protocol: fact === undefined ? '' : protocolName(fact.protocol),
    original: fact === undefined ? '' : facts.tupleOf(flow, 'original'),
    reply: fact === undefined ? '' : facts.tupleOf(flow, 'reply'),
    srcNat: fact?.nat.src ?? '',
    dstNat: fact?.nat.dst ?? '',
    confirm: fact?.confirm ?? '',
    end: fact?.end ?? '',
    isOlder: fact?.isOlder ?? false,
    isComplete: fact?.isComplete ?? false,
    chainHooks: HOOKS.filter((hook) => chainHooks.has(hook)),
    directions,
    netnsName: netnsName(netns),
  };
}
