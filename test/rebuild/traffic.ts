/** Packets as a router, a host or lo sees them, written to a script record by record. */
import { Status, Verdict } from '../../src/model/codes.ts';
import { Ctinfo, RecordFlag } from '../../src/wire/layout.ts';
import type { Place, Script, Tuple, VisitOptions } from './script.ts';

export function inverted({ src, dst, srcPort, dstPort }: Tuple): Tuple {
  return { src: dst, dst: src, srcPort: dstPort, dstPort: srcPort };
}

/** A client asks the router, which passes it to the server under its own name. */
export const ASKED: Tuple = { src: '10.0.1.2', dst: '10.0.1.1', srcPort: 5001, dstPort: 8080 };
export const AFTER_DNAT: Tuple = { ...ASKED, dst: '203.0.113.2', dstPort: 80 };
export const SENT: Tuple = { ...AFTER_DNAT, src: '203.0.113.1', srcPort: 5001 };
export const REPLY: Tuple = inverted(SENT);
export const AFTER_UNMASK: Tuple = { ...REPLY, dst: '10.0.1.2', dstPort: 5001 };
export const ANSWERED: Tuple = inverted(ASKED);

const NEW = 2;
const ESTABLISHED = 0;
const ESTABLISHED_REPLY = 3;
const DONE = Status.srcNatDone | Status.dstNatDone;
export const UNCONFIRMED = Status.dstNat | Status.dstNatDone;
export const MAPPED = DONE | Status.srcNat | Status.dstNat | Status.confirmed;

const { visitConntrackRan: RAN, visitChainsRan: CHAINS, visitHadEntry: HAD } = RecordFlag;

/** The first packet of a flow through dnat and masquerade: decided by rules, put into the table. */
export function firstForwarded(script: Script, place: Place & { flow: bigint }): void {
  const at = { ...place, ctinfo: NEW };
  script.visit('prerouting', AFTER_DNAT, {
    ...at,
    status: UNCONFIRMED,
    from: ASKED,
    flags: RAN | CHAINS,
    ifindex: 2,
    during: () => {
      script.flow(ASKED, ANSWERED, { ...place, status: 0 });
      script.mapping('dst', inverted(AFTER_DNAT), { ...place, status: UNCONFIRMED });
    },
  });
  script.visit('forward', AFTER_DNAT, { ...at, status: UNCONFIRMED, flags: HAD, ifindex: 3 });
  script.visit('postrouting', SENT, {
    ...at,
    status: MAPPED,
    from: AFTER_DNAT,
    flags: HAD | CHAINS,
    ifindex: 3,
    during: () => {
      script.mapping('src', REPLY, { ...place, status: MAPPED & ~Status.confirmed });
      script.confirm(REPLY, { ...place, status: MAPPED });
    },
  });
}

/** A later packet in original direction: rewritten from the entry. */
export function laterForwarded(script: Script, place: Place & { flow: bigint }): void {
  const at = { ...place, ctinfo: ESTABLISHED, status: MAPPED | Status.seenReply };
  script.visit('prerouting', AFTER_DNAT, { ...at, from: ASKED, flags: RAN, ifindex: 2 });
  script.visit('forward', AFTER_DNAT, { ...at, flags: HAD, ifindex: 3 });
  script.visit('postrouting', SENT, { ...at, from: AFTER_DNAT, flags: HAD, ifindex: 3 });
}

/** A reply: both ends put back from the entry. */
export function replyForwarded(script: Script, place: Place & { flow: bigint }): void {
  const at = { ...place, ctinfo: ESTABLISHED_REPLY, status: MAPPED | Status.seenReply, len: 90 };
  script.visit('prerouting', AFTER_UNMASK, { ...at, from: REPLY, flags: RAN, ifindex: 3 });
  script.visit('forward', AFTER_UNMASK, { ...at, flags: HAD, ifindex: 2 });
  script.visit('postrouting', ANSWERED, { ...at, from: AFTER_UNMASK, flags: HAD, ifindex: 2 });
}

const NULLS = DONE;

/** What happens in the last hook of a flow's first packet that no rule touches. */
export function nullMapped(script: Script, tuple: Tuple, place: Place): () => void {
  return () => {
    script.mapping('src', inverted(tuple), { ...place, isNull: true, status: NULLS });
    script.confirm(inverted(tuple), { ...place, status: NULLS | Status.confirmed });
  };
}

/** What happens in the first hook of a flow's first packet that no rule touches. */
export function nullBegun(script: Script, tuple: Tuple, place: Place): () => void {
  return () => {
    script.flow(tuple, inverted(tuple), place);
    script.mapping('dst', inverted(tuple), { ...place, isNull: true, status: Status.dstNatDone });
  };
}

/** First packet of a flow to a socket of this host, without NAT. */
export function firstIn(script: Script, tuple: Tuple, place: Place): void {
  const at = { ...place, ctinfo: NEW, ifindex: 2 };
  script.visit('prerouting', tuple, {
    ...at,
    status: Status.dstNatDone,
    flags: RAN,
    during: nullBegun(script, tuple, place),
  });
  script.visit('input', tuple, {
    ...at,
    status: NULLS | Status.confirmed,
    flags: HAD,
    during: nullMapped(script, tuple, place),
  });
}

/** First packet of a flow from a socket of this host, without NAT. */
export function firstOut(script: Script, tuple: Tuple, place: Place, ifindex = 4): void {
  const at = { ...place, ctinfo: NEW, ifindex };
  script.visit('output', tuple, {
    ...at,
    status: Status.dstNatDone,
    flags: RAN,
    during: nullBegun(script, tuple, place),
  });
  script.visit('postrouting', tuple, {
    ...at,
    status: NULLS | Status.confirmed,
    flags: HAD,
    during: nullMapped(script, tuple, place),
  });
}

/** Through a router without an entry: ctinfo says whether untracked, invalid or no conntrack. */
export function forwardedWithoutEntry(
  script: Script,
  tuple: Tuple,
  options: VisitOptions = {},
): void {
  script.visit('prerouting', tuple, { ...options, ifindex: 2 });
  const flags = options.ctinfo === Ctinfo.untracked ? HAD : 0;
  script.visit('forward', tuple, { ...options, flags, ifindex: 3 });
  script.visit('postrouting', tuple, { ...options, flags, ifindex: 3 });
}

export const DROP = Verdict.drop;
