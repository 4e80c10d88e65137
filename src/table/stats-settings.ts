/** The settings of conntrack in words (net.netfilter.*; Documentation/networking/nf_conntrack-sysctl.rst). */

export interface SettingWords {
  /** Below net.netfilter. */
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
}

type Words = (value: string) => string;

const WORDS: Readonly<Record<string, Words>> = {
  nf_conntrack_count: () => 'entries of this namespace now',
  nf_conntrack_max: () =>
    'the most entries; a new flow above it is dropped, or evicts one that is not assured',
  nf_conntrack_buckets: () =>
    'chains of the hash table, which all namespaces share; best no fewer than entries',
  nf_conntrack_expect_max: () => 'the most expectations of helpers',
  nf_conntrack_acct: onOff(
    'packets and bytes are counted for entries made since',
    'packets and bytes of entries are not counted',
  ),
  nf_conntrack_timestamp: onOff(
    'entries made since know when they began',
    'entries do not know when they began',
  ),
  nf_conntrack_events: (value) =>
    value === '2'
      ? 'changes are told while somebody listens'
      : value === '0'
        ? 'no changes are told: conntrack -E and conntrackd see nothing'
        : 'changes of all entries are told',
  nf_conntrack_checksum: onOff(
    'packets with a wrong checksum are invalid at prerouting',
    'checksums are not looked at',
  ),
  nf_conntrack_log_invalid: (value) =>
    value === '0'
      ? 'refused packets are not logged'
      : value === '255'
        ? 'refused packets of all protocols are logged'
        : `refused packets of protocol ${value} are logged`,
  nf_conntrack_tcp_loose: onOff(
    'a TCP flow may be picked up in its middle: after a restart, or where it took another way before',
    'a TCP flow begins with SYN only, all else is invalid',
  ),
  nf_conntrack_tcp_be_liberal: onOff(
    'only a RST out of window is invalid',
    'TCP packets out of window are invalid',
  ),
  nf_conntrack_tcp_ignore_invalid_rst: onOff(
    'a RST out of window is not invalid, and closes nothing',
    'a RST out of window is invalid',
  ),
  nf_conntrack_tcp_max_retrans: () =>
    'retransmissions without an answer, after which tcp_timeout_max_retrans counts',
};

function onOff(on: string, off: string): Words {
  return (value) => (value === '0' ? off : on);
}

/** Those that decide most first, timeouts last. */
const ORDER = Object.keys(WORDS);

/** Of those that are known here; `values` by name. */
export function settingWords(values: Readonly<Record<string, string>>): SettingWords[] {
  const rank = (name: string): number => {
    const place = ORDER.indexOf(name);
    return place < 0 ? ORDER.length : place;
  };
  return Object.entries(values)
    .flatMap(([name, value]): SettingWords[] => {
      const meaning = Object.hasOwn(WORDS, name) ? WORDS[name]!(value) : timeoutWords(name);
      return meaning === undefined ? [] : [{ name, value, meaning }];
    })
    .sort((a, b) => rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : 1));
}

const TIMEOUT = /^nf_(?:conntrack|flowtable)_(?:(\w+?)_)?timeout(?:_(\w+))?$/;
const SPECIAL: Readonly<Record<string, string>> = {
  nf_conntrack_tcp_timeout_unacknowledged: 's that are left at most while data waits for its ACK',
  nf_conntrack_tcp_timeout_max_retrans: 's that are left at most after tcp_max_retrans',
  nf_conntrack_udp_timeout_stream:
    's without a packet end a flow of UDP that went both ways for two seconds',
  nf_conntrack_gre_timeout_stream: 's without a packet end a flow of gre that went both ways',
  nf_conntrack_frag6_timeout: 's to wait for missing fragments of IPv6',
};

/** `nf_conntrack_tcp_timeout_established`: seconds without a packet. Undefined: no timeout. */
function timeoutWords(name: string): string | undefined {
  if (Object.hasOwn(SPECIAL, name)) return SPECIAL[name];
  const [found, protocol, state] = TIMEOUT.exec(name) ?? [];
  if (found === undefined || protocol === undefined) return undefined;
  const of = protocol === 'generic' ? 'other protocols' : protocol;
  const where = state === undefined ? '' : ` in state ${state}`;
  const kind = name.startsWith('nf_flowtable') ? ' of a flowtable' : '';
  return `s without a packet end a flow of ${of}${where}${kind}`;
}

/**
 * Values that kernels from 5.10 on set themselves, each list from old to new; of a
 * name that is not here every value is usual: the kernel takes it from the memory.
 */
const OWN: Readonly<Record<string, string>> = {
  ...{ acct: '0', checksum: '1', events: '1 2', log_invalid: '0', timestamp: '0' },
  ...{ tcp_be_liberal: '0', tcp_ignore_invalid_rst: '0', tcp_loose: '1', tcp_max_retrans: '3' },
  ...{ frag6_timeout: '60', generic_timeout: '600', gre_timeout: '30', gre_timeout_stream: '180' },
  ...{ icmp_timeout: '30', icmpv6_timeout: '30', udp_timeout: '30', udp_timeout_stream: '120' },
  ...{ tcp_timeout_close: '10', tcp_timeout_close_wait: '60', tcp_timeout_established: '432000' },
  ...{ tcp_timeout_fin_wait: '120', tcp_timeout_last_ack: '30', tcp_timeout_max_retrans: '300' },
  ...{ tcp_timeout_syn_recv: '60', tcp_timeout_syn_sent: '120', tcp_timeout_time_wait: '120' },
  ...{
    tcp_timeout_unacknowledged: '300',
    sctp_timeout_closed: '10',
    sctp_timeout_cookie_wait: '3',
  },
  ...{ sctp_timeout_cookie_echoed: '3', sctp_timeout_established: '432000 210' },
  ...{ sctp_timeout_shutdown_sent: '0 3', sctp_timeout_shutdown_recd: '0 3' },
  ...{ sctp_timeout_shutdown_ack_sent: '3', sctp_timeout_heartbeat_sent: '30' },
  ...{
    sctp_timeout_heartbeat_acked: '210',
    dccp_timeout_request: '240',
    dccp_timeout_respond: '480',
  },
  ...{ dccp_timeout_partopen: '480', dccp_timeout_open: '43200', dccp_timeout_closereq: '64' },
  ...{ dccp_timeout_closing: '64', dccp_timeout_timewait: '240' },
};

/** Whether the kernel may have set it so itself. */
export function isUsual({ name, value }: Pick<SettingWords, 'name' | 'value'>): boolean {
  const short = name.replace(/^nf_conntrack_/, '');
  if (/^nf_flowtable_(tcp|udp)_timeout$/.test(name)) return value === '30';
  return !Object.hasOwn(OWN, short) || OWN[short]!.split(' ').includes(value);
}
