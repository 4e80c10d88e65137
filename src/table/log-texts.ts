/**
 * What the kernel says of a packet that conntrack refuses, or keeps with a
 * complaint, and what it means (nf_conntrack_proto_*.c, 5.10 to 7.3; older words where they differ).
 */

export interface LogWords {
  readonly pattern: RegExp;
  readonly meaning: string;
  /** True: the packet stays valid, and only changes nothing. */
  readonly isKept: boolean;
  readonly toDo: string;
}

const refused = (pattern: RegExp, meaning: string, toDo: string): LogWords => ({
  ...{ pattern, meaning, toDo, isKept: false },
});
const kept = (pattern: RegExp, meaning: string, toDo: string): LogWords => ({
  ...{ pattern, meaning, toDo, isKept: true },
});

const SCAN = 'a port scan, or a broken sender: drop ct state invalid';
const ONE_WAY =
  'if it is one flow again and again, does only one of its directions pass here, or does a card or a tunnel change sequence numbers? nf_conntrack_tcp_be_liberal=1 lets such packets pass';
const LATE =
  'nothing, if they are few: such packets come late, after their flow has closed or was forgotten';
const BROKEN =
  'look for a broken sender, card or tunnel on the way: tcpdump -vv at the interface it came in by';
const CHECKSUM = `${BROKEN}; where the card checks it, nf_conntrack_checksum=0`;

/** The first that fits. */
export const LOG_WORDS: readonly LogWords[] = [
  refused(
    /invalid tcp flag combination/i,
    'its TCP flags make no sense together: only SYN, SYN ACK, ACK, FIN ACK, RST and RST ACK do, and URG with SYN, ACK or FIN ACK (PSH, ECE and CWR are not looked at)',
    SCAN,
  ),
  refused(/bad (?:hw )?(?:\w+ )?checksum/i, 'its checksum is wrong', CHECKSUM),
  refused(/truncated|short packet|malformed/i, 'it is shorter than its headers say', BROKEN),
  kept(
    /under lower bound.*\(already ACKed data retransmitted\)/,
    'data is sent again that the other side has acknowledged',
    'nothing: the ACK was lost on its way',
  ),
  kept(
    /ignored ACK under lower bound/,
    'an ACK far behind what was acknowledged already: it comes late',
    LATE,
  ),
  kept(
    /bytes more than expected/,
    'it carries more than the window of the receiver allows',
    ONE_WAY,
  ),
  refused(
    /SEQ is over (?:the )?upper bound/,
    'its data lies beyond the window of the receiver',
    ONE_WAY,
  ),
  refused(
    /ACK is over (?:the )?upper bound/,
    'it acknowledges data that never passed here',
    ONE_WAY,
  ),
  refused(
    /(?:SEQ|ACK) is under (?:the )?lower bound/,
    'it is older than the window; kernels from 6.1 on keep such a packet',
    LATE,
  ),
  refused(
    /invalid rst/i,
    'a RST whose sequence number is older than what was acknowledged',
    `${LATE}; nf_conntrack_tcp_ignore_invalid_rst=1 lets them pass as valid`,
  ),
  kept(
    /challenge-ack ignored/,
    'an ACK that answers a SYN out of place (RFC 5961): no last ACK',
    'nothing',
  ),
  kept(
    /lower(?:ed)? timeout to/i,
    'FIN or RST out of window on both sides: the flow is dead, its timeout was shortened',
    'nothing',
  ),
  kept(
    /packet \(index \d+\) in dir [01] ignored|invalid packet ignored/,
    'out of step with what conntrack knows: it was let through, the entry stays as it was',
    'nothing, if they are few: one side has begun anew',
  ),
  refused(
    /packet \(index \d+\) in dir [01] invalid|invalid state/i,
    'such a packet is impossible in this state',
    LATE,
  ),
  refused(
    /invalid new(?! with)/i,
    'it belongs to no flow that is known and may not begin one: RST and the like, or with nf_conntrack_tcp_loose=0 all but SYN',
    LATE,
  ),
  refused(
    /outer daddr .* != inner/,
    'an ICMP error whose own destination is not the sender of the packet it tells of',
    'a router that lies, or NAT on the way that does not rewrite errors',
  ),
  refused(
    /invalid (?:icmp(?:v6)? )?type|invalid new with type/i,
    'an ICMP type that conntrack does not track',
    SCAN,
  ),
  refused(
    /not for (?:a )?known|no matching|unmatched/i,
    'it tells of a flow that is not known',
    LATE,
  ),
  refused(/vtag|verification tag|chunk/i, 'a chunk that does not fit its association', BROKEN),
];

const TCP_INDEXES = ['SYN', 'SYN ACK', 'FIN', 'ACK', 'RST', 'a packet without flags'];
const SIDES = ['original direction', 'reply direction'];

/** `packet (index 3) in dir 1 ignored, state SYN_SENT`: enum tcp_bit_set, in words. */
export function indexText(text: string): string | null {
  const [, index, side, state] = /\(index (\d+)\)? in dir ([01]) \w+, state (\w+)/.exec(text) ?? [];
  const name = TCP_INDEXES[Number(index)];
  return name === undefined ? null : `${name} in ${SIDES[Number(side)]}, in state ${state}`;
}
