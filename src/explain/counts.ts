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
  readonly examples: string[];
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
  readonly flow: string;
  readonly netns: number;
  protocol: string;
  original: string;
  reply: string;
  srcNat: string;
  dstNat: string;
  confirm: string;
  end: string;
  isOlder: boolean;
  isComplete: boolean;
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

export function add(tally: Tallied, packet: string): void {
  tally.packets++;
  if (tally.examples.length < MAX_EXAMPLES) tally.examples.push(packet);
}

export function count<Key>(tallies: Map<Key, Tallied>, key: Key, packet: string): void {
  const tally = tallies.get(key) ?? newTally();
  tallies.set(key, tally);
  add(tally, packet);
}

/** Adds what was tallied apart. */
export function merge(tallies: Map<Skip, Tallied>, skip: Skip, more: Tallied): void {
  const tally = tallies.get(skip) ?? newTally();
  tallies.set(skip, tally);
  tally.packets += more.packets;
  const examples = [...tally.examples, ...more.examples].sort(byNumber).slice(0, MAX_EXAMPLES);
  tally.examples.splice(0, MAX_EXAMPLES, ...examples);
}

function byNumber(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}

export function newFlow(flow: string, netns: number): FlowAccount {
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
    protocol: '',
    original: '',
    reply: '',
    srcNat: '',
    dstNat: '',
    confirm: '',
    end: '',
    isOlder: false,
    isComplete: false,
    chainHooks: new Set(),
    directions: { original: direction(), reply: direction() },
  };
}
