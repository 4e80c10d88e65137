/**
 * How long an entry has had no packet: its whole timeout, as the settings of its
 * namespace are now, less what is left of it. Null where that would be a guess.
 */
import { Status } from '../model/codes.ts';
import { byteAt, EntryHas, EntryWord, News } from '../model/entry-row.ts';
import { protocolAt } from './entry-nat.ts';
import { ageAt } from './show-text.ts';

/** Seconds by name, `nf_conntrack_` left out: `udp_timeout`, `tcp_timeout_close`. */
export type Timeouts = ReadonlyMap<string, number>;

/** Both are rounded to whole seconds, at other moments. */
const ROUNDING_S = 2;

/** By number; syn_sent2 has that of syn_sent. */
const TCP = [
  ...['', 'syn_sent', 'syn_recv', 'established', 'fin_wait', 'close_wait'],
  ...['last_ack', 'time_wait', 'close', 'syn_sent'],
];
const SCTP = [
  ...['', 'closed', 'cookie_wait', 'cookie_echoed', 'established', 'shutdown_sent'],
  ...['shutdown_recd', 'shutdown_ack_sent', 'heartbeat_sent'],
];

export function idleAt(
  words: Int32Array,
  at: number,
  timeouts: Timeouts,
  nowNs: bigint,
): number | null {
  const has = words[at + EntryWord.has]!;
  const status = words[at + EntryWord.status]!;
  // news tell what a packet or a program has just done
  if (byteAt(words, at + EntryWord.kind, 3) !== News.listed) return null;
  if (!(has & EntryHas.timeout) || !(has & EntryHas.status)) return null;
  if (status & (Status.fixedTimeout | Status.offload | Status.hwOffload)) return null;
  const left = words[at + EntryWord.timeoutS]! >>> 0;
  const whole = timeouts.get(nameOf(words, at, status));
  // a timeout of its own: of a rule, a helper, or set by hand
  if (whole === undefined || left > whole) return null;
  if (isShortened(words, at, left, timeouts)) return null;
  const age = ageAt(words, at, nowNs);
  return age !== null && whole - left > age + ROUNDING_S ? null : whole - left;
}

function nameOf(words: Int32Array, at: number, status: number): string {
  const isAssured = (status & Status.assured) !== 0;
  const state = byteAt(words, at, 2);
  switch (protocolAt(words, at)) {
    case 1:
      return 'icmp_timeout';
    case 6:
      return `tcp_timeout_${TCP[state] ?? ''}`;
    case 17:
    case 136:
      return isAssured ? 'udp_timeout_stream' : 'udp_timeout';
    case 47:
      return isAssured ? 'gre_timeout_stream' : 'gre_timeout';
    case 58:
      return 'icmpv6_timeout';
    case 132:
      return `sctp_timeout_${SCTP[state] ?? ''}`;
    default:
      return 'generic_timeout';
  }
}

/** TCP waits no longer than this for what was not acknowledged: then less is left without a pause. */
function isShortened(words: Int32Array, at: number, left: number, timeouts: Timeouts): boolean {
  if (protocolAt(words, at) !== 6) return false;
  const shorter = ['tcp_timeout_max_retrans', 'tcp_timeout_unacknowledged'] as const;
  const whole = timeouts.get(nameOf(words, at, words[at + EntryWord.status]!)) ?? 0;
  return shorter.some((name) => {
    const most = timeouts.get(name) ?? 0;
    return most < whole && left <= most;
  });
}
