/** A line of the kernel log explained. */
import { endText } from '../model/address.ts';
import { protocolName } from '../model/codes.ts';
import { type Explanation, type Fact, NOTHING } from './explain-shapes.ts';
import { indexText, LOG_WORDS } from './log-texts.ts';
import type { LoggedPacket, LogRecord } from './parse-log.ts';
import { shown } from './parse-tokens.ts';

const TCP_FLAGS: ReadonlySet<string> = new Set([
  'CWR',
  'ECE',
  'URG',
  'ACK',
  'PSH',
  'RST',
  'SYN',
  'FIN',
]);
const FIELDS: Readonly<Record<string, string>> = {
  IN: 'interface it came in by',
  OUT: 'interface it leaves by',
  SRC: 'source address, as the packet was at that time',
  DST: 'destination address, as the packet was at that time',
  PROTO: 'protocol',
  SPT: 'source port',
  DPT: 'destination port',
  TYPE: 'ICMP type',
  CODE: 'ICMP code',
  LEN: 'bytes, IP header included',
  TTL: 'hops that it may still take',
  MARK: 'mark of the packet',
};
const SEE = 'conntrail watch --failures shows each such packet with its flow and rival';

export function explainLog(record: LogRecord): Explanation {
  switch (record.about) {
    case 'refused packet':
      return refusedPacket(record);
    case 'helper':
      return {
        ...NOTHING,
        title: `the helper ${record.helper} dropped a packet${flowText(record.packet)}: ${record.text}`,
        facts: packetFacts(record.packet),
        advice: [
          'where the limit of expectations is named: nf_conntrack_expect_max; else the payload is not what the helper can read',
          SEE,
        ],
      };
    default:
      return { ...NOTHING, ...OTHERS[record.about], facts: [said(record.text)] };
  }
}

function refusedPacket({ protocol, text, packet }: LogRecord): Explanation {
  const name = protocolName(protocol ?? 0);
  const found = LOG_WORDS.find(({ pattern }) => pattern.test(text));
  const fate = found?.isKept ? 'complained of, and kept, a packet' : 'refused a packet';
  const flags = packet.flags.filter((flag) => TCP_FLAGS.has(flag));
  const isOfFlags = protocol === 6 && /flag combination/i.test(text);
  const meaning = found?.meaning ?? 'the reason is not known here';
  const index = indexText(text);
  return {
    ...NOTHING,
    title: `conntrack ${fate} of ${name}${flowText(packet)}: ${text === '' ? 'no reason given' : text}`,
    facts: [
      { name: 'reason', value: text, meaning: index === null ? meaning : `${meaning} (${index})` },
      ...(isOfFlags
        ? [
            {
              name: 'flags',
              value: flags.join(' ') || 'none',
              meaning: 'the TCP flags that it carried',
            },
          ]
        : []),
      ...packetFacts(packet),
    ],
    next: [found?.isKept ? KEPT : REFUSED],
    advice: [...(found === undefined ? [] : [found.toDo]), SEE, LOGGED],
  };
}

const REFUSED =
  'the packet goes on without an entry: ct state invalid, no NAT is done to it, and it is counted as invalid (ICMP: error) in conntrack -S; only a rule can drop it';
const KEPT =
  'the packet stays valid and is rewritten as its flow says; no counter of conntrack -S moves';
const LOGGED =
  'such lines come as nf_conntrack_log_invalid is set: 255 for all protocols, a protocol number for one, 0 for none';

const OTHERS = {
  'table full': {
    title: 'the table is full: conntrack dropped the first packet of a new flow',
    next: [
      'flows that have an entry go on; new ones are dropped, unless an entry that is not assured can be evicted (early_drop)',
      'counted as drop in conntrack -S; the line is rate-limited, so that there were more than are logged',
    ],
    advice: [
      'sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max: raise the latter, and nf_conntrack_buckets with it',
      'conntrack -L shows who fills it: many [UNREPLIED] are scans or a flood, many ESTABLISHED without traffic want a shorter nf_conntrack_tcp_timeout_established',
      'what needs no NAT and no state can do without: notrack',
    ],
  },
  'expectations full': {
    title: 'no more expectations are possible: a helper could not announce a flow to come',
    next: ['that flow will be new like all others, so that rules for ct state related miss it'],
    advice: [
      'raise net.netfilter.nf_conntrack_expect_max; conntrack -L expect shows those that are open',
    ],
  },
  loaded: {
    title:
      'conntrack was loaded: hash buckets and the most entries are what it chose for this memory',
    advice: ['net.netfilter.nf_conntrack_buckets and nf_conntrack_max change both'],
  },
  'helper assignment': {
    title: 'helpers are no longer given to flows by port alone: a rule must do it',
    advice: [
      'nft: ct helper set; iptables: -t raw -j CT --helper; newer kernels know no other way',
    ],
  },
  other: {
    title: 'a line of conntrack that is not known here',
    advice: [SEE],
  },
} as const;

function said(text: string): Fact {
  return { name: 'said', value: text, meaning: '' };
}

function flowText({ fields }: LoggedPacket): string {
  const [src, dst] = [fields.get('SRC'), fields.get('DST')];
  if (src === undefined || dst === undefined) return '';
  const end = (address: string, port: string | undefined): string =>
    endText(shown(address), Number(port), /^\d{1,5}$/.test(port ?? ''));
  return ` ${end(src, fields.get('SPT'))} > ${end(dst, fields.get('DPT'))}`;
}

function packetFacts({ fields }: LoggedPacket): Fact[] {
  return Object.entries(FIELDS).flatMap(([name, meaning]): Fact[] => {
    const value = fields.get(name);
    return value === undefined || value === '' ? [] : [{ name, value: shown(value), meaning }];
  });
}
