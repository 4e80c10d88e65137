/**
 * States of flows in words, after the tables of nf_conntrack_proto_tcp.c,
 * nf_conntrack_proto_sctp.c and nf_conntrack_proto_dccp.c.
 */

export interface StateWords {
  /** What conntrack has seen. */
  readonly meaning: string;
  /** What the next packets do to it. */
  readonly next: readonly string[];
}

const STRAY_SYN = 'a SYN is let through and changes nothing: neither the state nor the mapping';
const REOPENED =
  'a SYN opens the flow again: as a rule this entry is deleted and a new one made, so that the nat chains are run once more';

const TCP: Readonly<Record<string, StateWords>> = {
  NONE: { meaning: 'no packet has been judged yet', next: [] },
  SYN_SENT: {
    meaning: 'a SYN was seen, and no answer to it',
    next: [
      'SYN ACK from the other side makes it SYN_RECV; a RST as the only answer deletes the entry at once',
      'any other packet of the side that sent the SYN, but a SYN or RST, is invalid',
    ],
  },
  SYN_RECV: {
    meaning: 'SYN and SYN ACK were seen, the ACK that completes the handshake was not',
    next: ['ACK of the side that began makes it ESTABLISHED and assured'],
  },
  ESTABLISHED: {
    meaning: 'the handshake is complete, or conntrack came into the middle of the flow (tcp_loose)',
    next: [STRAY_SYN, 'FIN makes it FIN_WAIT, a RST whose sequence number fits makes it CLOSE'],
  },
  FIN_WAIT: {
    meaning: 'one side has sent FIN, which is not acknowledged yet',
    next: ['ACK makes it CLOSE_WAIT, FIN of the other side LAST_ACK', STRAY_SYN],
  },
  CLOSE_WAIT: {
    meaning: 'one side has sent FIN, the other has acknowledged it and may still send',
    next: ['FIN of the other side makes it LAST_ACK', STRAY_SYN],
  },
  LAST_ACK: {
    meaning: 'both sides have sent FIN, the last ACK is missing',
    next: ['ACK makes it TIME_WAIT', STRAY_SYN],
  },
  TIME_WAIT: {
    meaning:
      'both sides have closed, the last ACK was seen; the entry stays for packets that come late',
    next: [REOPENED],
  },
  CLOSE: {
    meaning: 'a RST was seen: the flow is closed, or conntrack believes so',
    next: [REOPENED],
  },
  SYN_SENT2: {
    meaning: 'both sides have sent a SYN, neither has answered: they open at the same time',
    next: ['SYN ACK makes it SYN_RECV'],
  },
};

const SCTP: Readonly<Record<string, string>> = {
  NONE: 'no chunk has been judged yet',
  CLOSED: 'nothing of an association was seen, or it is over (ABORT, SHUTDOWN COMPLETE)',
  COOKIE_WAIT: 'INIT was seen',
  COOKIE_ECHOED: 'COOKIE ECHO was seen, its acknowledgement was not',
  ESTABLISHED: 'COOKIE ACK was seen: the association is up',
  SHUTDOWN_SENT: 'SHUTDOWN of the side that began was seen',
  SHUTDOWN_RECD: 'SHUTDOWN of the side that answered was seen',
  SHUTDOWN_ACK_SENT: 'SHUTDOWN ACK was seen',
  HEARTBEAT_SENT: 'HEARTBEAT on a path of which no handshake was seen',
  HEARTBEAT_ACKED: 'HEARTBEAT ACK on a path of which no handshake was seen',
};

const DCCP: Readonly<Record<string, string>> = {
  NONE: 'no packet has been judged yet',
  REQUEST: 'Request was seen',
  RESPOND: 'Response was seen',
  PARTOPEN: 'the Response was acknowledged',
  OPEN: 'packets went both ways: the flow is up',
  CLOSEREQ: 'the server asks for the end (CloseReq)',
  CLOSING: 'Close was seen',
  TIMEWAIT: 'Reset was seen, the entry stays for packets that come late',
};

const OLD_NAMES: Readonly<Record<string, string>> = { LISTEN: 'SYN_SENT2' };

/** `state`: in capitals. Undefined: the protocol has no such state. */
export function stateWords(protocol: number, state: string): StateWords | undefined {
  if (protocol === 6) return own(TCP, OLD_NAMES[state] ?? state);
  const meaning = own(protocol === 132 ? SCTP : protocol === 33 ? DCCP : {}, state);
  return meaning === undefined ? undefined : { meaning, next: [] };
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Those that a table nearly full may lose although they are assured (tcp_can_early_drop). */
export const CLOSING_STATES: ReadonlySet<string> = new Set([
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
]);
