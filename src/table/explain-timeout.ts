/** What a timeout tells: which setting it came from, and how long ago the last packet was. */
import type { EntryRecord } from './parse-entry.ts';

interface Setting {
  /** Below net.netfilter. */
  readonly name: string;
  /** The kernel's own, of all versions from 5.10 on; null: it differs. */
  readonly defaultS: number | null;
}

const TCP_DEFAULTS: Readonly<Record<string, number>> = {
  SYN_SENT: 120,
  SYN_RECV: 60,
  ESTABLISHED: 432_000,
  FIN_WAIT: 120,
  CLOSE_WAIT: 60,
  LAST_ACK: 30,
  TIME_WAIT: 120,
  CLOSE: 10,
};
/** What is left at most to a flow whose data nobody acknowledges. */
const UNACKNOWLEDGED_S = 300;

/** Null: no setting is known, as of a protocol's state that has none. */
function timeoutSetting({ entry, state, isReplied }: EntryRecord): Setting | null {
  const place = (name: string, defaultS: number | null): Setting => ({
    name: `nf_conntrack_${name}`,
    defaultS,
  });
  switch (entry.protocol) {
    case 6: {
      const defaultS = state === null ? undefined : TCP_DEFAULTS[state];
      return defaultS === undefined ? null : place(`tcp_timeout_${state!.toLowerCase()}`, defaultS);
    }
    case 17:
    case 136:
      return isReplied ? place('udp_timeout_stream', 120) : place('udp_timeout', 30);
    case 1:
      return place('icmp_timeout', 30);
    case 58:
      return place('icmpv6_timeout', 30);
    case 47:
      return isReplied ? place('gre_timeout_stream', 180) : place('gre_timeout', 30);
    case 33:
    case 132: {
      const protocol = entry.protocol === 33 ? 'dccp' : 'sctp';
      return state === null ? null : place(`${protocol}_timeout_${state.toLowerCase()}`, null);
    }
    default:
      return place('generic_timeout', 600);
  }
}

/** A sentence without its end. */
export function timeoutText(record: EntryRecord): string {
  const { timeoutS } = record.entry;
  if (timeoutS === null) return 'none is told';
  if (record.change === 'destroy') return 'what was left when the entry was deleted';
  const setting = timeoutSetting(record);
  const ends = 'the entry ends then, unless a packet renews it';
  if (setting === null) return ends;
  // an event is of a packet of that moment, or of a program
  const since = record.change === null ? sinceText(setting, timeoutS) : '';
  return `${ends}, from ${setting.name}${since}`;
}

/** Each packet sets the timeout anew: what is gone of it is the time since the last one. */
function sinceText({ name, defaultS }: Setting, leftS: number): string {
  if (defaultS === null) return '';
  if (leftS > defaultS)
    return ` (default ${defaultS}): another value, a timeout policy, or set by hand`;
  const isShort = name.endsWith('established') && leftS <= UNACKNOWLEDGED_S;
  if (isShort) {
    return ` (default ${defaultS}) or, where data waits for its ACK, nf_conntrack_tcp_timeout_unacknowledged or _max_retrans (default 300)`;
  }
  if (name.endsWith('udp_timeout_stream') && leftS <= 30) {
    return ` (default ${defaultS}) or, of a flow younger than two seconds, nf_conntrack_udp_timeout (default 30)`;
  }
  return ` (default ${defaultS}: then the last packet was ${defaultS - leftS} s before)`;
}
