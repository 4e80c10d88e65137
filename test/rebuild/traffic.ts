/** Packets as a router, a host or lo sees them, written to a script record by record. */
import { Status, Verdict } from '../../src/model/codes.ts';
import { RecordFlag } from '../../src/wire/layout.ts';
import type { EntryOptions, Script, TraversalOptions, Tuple } from './script.ts';

export function inverted({ src, dst, srcPort, dstPort }: Tuple): Tuple {
  return { src: dst, dst: src, srcPort: dstPort, dstPort: srcPort };
}

/** A client asks the router, which passes it to the server under its own name. */
export const ASKED: Tuple = { src: '10.0.1.2', dst: '10.0.1.1', srcPort: 5001, dstPort: 8080 };
export const AFTER_DNAT: Tuple = { ...ASKED, dst: '203.0.113.2', dstPort: 80 };
export const SENT: Tuple = { ...AFTER_DNAT, src: '203.0.113.1', srcPort: 1025 };
export const REPLY: Tuple = inverted(SENT);
export const ANSWERED: Tuple = inverted(ASKED);

export const NEW = 2;
export const ESTABLISHED = 0;
export const ESTABLISHED_REPLY = 3;
const DONE = Status.srcNatDone | Status.dstNatDone;
export const UNCONFIRMED = Status.dstNat | Status.dstNatDone;
export const MAPPED = DONE | Status.srcNat | Status.dstNat | Status.confirmed;
export const UNMAPPED = DONE | Status.confirmed;

const { packetConntrackRan: RAN } = RecordFlag;
export const RULES = RecordFlag.flowSrcRule | RecordFlag.flowDstRule;
export const NULLS = RecordFlag.flowSrcNull | RecordFlag.flowDstNull;

export type At = Pick<TraversalOptions, 'cpu' | 'skb' | 'netns' | 'mark'> & { flow: bigint };

const FORWARDED = ['prerouting', 'forward', 'postrouting'] as const;

/** The first packet of a flow through dnat and masquerade: decided by rules, put into the table. */
export function firstForwarded(script: Script, at: At, more: EntryOptions = {}): void {
  script.flow(ASKED, REPLY, {
    ...at,
    skb: 0n,
    status: MAPPED,
    decided: RULES,
    confirmed: Verdict.accept,
    ...more,
  });
  script.traversal(FORWARDED, {
    ...at,
    ctinfo: NEW,
    status: MAPPED,
    flags: RAN,
    in: 2,
    out: 3,
    left: 'mapped',
    chains: ['prerouting', 'postrouting'],
    rewritten: ['prerouting', 'postrouting'],
    decided: RULES,
    confirm: 'inserted',
  });
}

/** A later packet in original direction: rewritten from the entry. */
export function laterForwarded(script: Script, at: At, more: TraversalOptions = {}): void {
  script.traversal(FORWARDED, {
    ...at,
    ctinfo: ESTABLISHED,
    status: MAPPED | Status.seenReply,
    flags: RAN,
    in: 2,
    out: 3,
    left: 'mapped',
    rewritten: ['prerouting', 'postrouting'],
    ...more,
  });
}

/** A reply: both ends put back from the entry. */
export function replyForwarded(script: Script, at: At, more: TraversalOptions = {}): void {
  laterForwarded(script, at, { ctinfo: ESTABLISHED_REPLY, in: 3, out: 2, len: 90, ...more });
}

/** First packet of a flow that no rule touches: its entry, and the packet. */
function firstUnmapped(
  script: Script,
  tuple: Tuple,
  at: At,
  hooks: TraversalOptions & { readonly way: Parameters<Script['traversal']>[0] },
): void {
  const { way, ...more } = hooks;
  script.flow(tuple, inverted(tuple), {
    ...at,
    skb: 0n,
    status: UNMAPPED,
    decided: NULLS,
    confirmed: Verdict.accept,
  });
  const common = { ctinfo: NEW, status: UNMAPPED, flags: RAN, decided: NULLS };
  script.traversal(way, { ...at, ...common, confirm: 'inserted', ...more });
}

/** To a socket of this host, without NAT. */
export function firstIn(script: Script, tuple: Tuple, at: At): void {
  firstUnmapped(script, tuple, at, { way: ['prerouting', 'input'], in: 2 });
}

/** From a socket of this host, without NAT. */
export function firstOut(script: Script, tuple: Tuple, at: At, out = 4): void {
  firstUnmapped(script, tuple, at, { way: ['output', 'postrouting'], out });
}

/** Through a router without an entry: ctinfo says whether untracked, invalid or no conntrack. */
export function forwardedWithoutEntry(
  script: Script,
  tuple: Tuple,
  options: TraversalOptions = {},
): void {
  script.traversal(FORWARDED, { came: tuple, in: 2, out: 3, ...options });
}

export const DROP = Verdict.drop;
