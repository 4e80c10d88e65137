/** What is counted for an explanation: plain data, and how it begins. */
import type { HookName } from '../model/codes.ts';

/** Why no nat chain ran for one packet at one hook. */
export type Skip =
  | 'reply direction'
  | 'flow already mapped'
  | 'flow older than the trace'
  | 'no nat chain here'
  | 'untracked'
  | 'invalid'
  | 'not seen by conntrack'
  | 'dropped before the nat chains'
  | 'unknown'; // the records that would tell were lost

/** Packets counted, and the first of them by packets.packet: the evidence. */
export interface Tallied {
  packets: number;
  readonly examples: number[];
}

/** Packets that have all the same to say, the first of them named. */
export interface Counted {
  readonly packets: number;
  readonly evidence: readonly number[];
}

export interface HookAccount {
  packets: number;
  readonly ran: Tallied;
  readonly skipped: Map<Skip, Tallied>;
  /** Packets that ended here, by reason and place: `NETFILTER_DROP in nf_hook_slow`. */
  readonly dropped: Map<string, Tallied>;
}

export interface DirectionAccount {
  packets: number;
  /** Packets for which at least one nat chain was evaluated. */
  ranChains: number;
  /** Packets rewritten from the stored mapping, no chain evaluated. */
  mapped: number;
  /** Packets that left as they came, no chain evaluated. */
  untouched: number;
  dropped: number;
}

export interface FlowAccount {
  readonly flow: number;
  readonly netns: number;
  /** Hooks at which a nat chain ran for a packet of this flow. */
  readonly chainHooks: Set<HookName>;
  readonly directions: { readonly original: DirectionAccount; readonly reply: DirectionAccount };
}

export interface NetnsAccount {
  packets: number;
  torn: number;
  readonly hooks: Map<HookName, HookAccount>;
}

/** So many packets are named as evidence. */
const MAX_EXAMPLES = 3;

export function hookOf(netns: NetnsAccount, hook: HookName): HookAccount {
  const known = netns.hooks.get(hook);
  if (known !== undefined) return known;
  const account = { packets: 0, ran: newTally(), skipped: new Map(), dropped: new Map() };
  netns.hooks.set(hook, account);
  return account;
}

export function newTally(): Tallied {
  return { packets: 0, examples: [] };
}

export function add(tally: Tallied, { packets, evidence }: Counted): void {
  tally.packets += packets;
  const { examples } = tally;
  for (const packet of evidence) {
    if (examples.length === MAX_EXAMPLES && packet > examples[MAX_EXAMPLES - 1]!) return;
    const place = examples.findIndex((known) => packet < known);
    examples.splice(place < 0 ? examples.length : place, 0, packet);
    if (examples.length > MAX_EXAMPLES) examples.pop();
  }
}

export function count<Key>(tallies: Map<Key, Tallied>, key: Key, counted: Counted): void {
  const tally = tallies.get(key) ?? newTally();
  tallies.set(key, tally);
  add(tally, counted);
}

export function newFlow(flow: number, netns: number): FlowAccount {
  const direction = (): DirectionAccount => ({
    packets: 0,
    ranChains: 0,
    mapped: 0,
    untouched: 0,
    dropped: 0,
  });
  return {
    flow,
    netns,
    chainHooks: new Set(),
    directions: { original: direction(), reply: direction() },
  };
}
