/** Lines of a table that has something of everything, the same with each call. */

const TCP = [
  ...['SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK'],
  ...['TIME_WAIT', 'CLOSE', 'LISTEN', 'NONE'],
];
const SCTP = [
  ...['CLOSED', 'COOKIE_WAIT', 'COOKIE_ECHOED', 'ESTABLISHED', 'SHUTDOWN_SENT'],
  ...['SHUTDOWN_RECD', 'SHUTDOWN_ACK_SENT'],
];
const STATUS = ['UNSET', 'SEEN_REPLY', 'SEEN_REPLY,ASSURED', 'SEEN_REPLY,ASSURED,FIXED_TIMEOUT'];
const ZONES = ['', '', '-w 5', '--orig-zone 6', '--reply-zone 7'];

function pick<T>(list: readonly T[], index: number): T {
  return list[index % list.length]!;
}

/** In the words of `save`: `count` entries, no two with one tuple. */
export function mixedLines(count: number): string[] {
  return Array.from({ length: count }, (_, index) => mixedLine(index));
}

function mixedLine(index: number): string {
  const isV6 = index % 4 === 3;
  const [high, low] = [index >>> 8, index & 255];
  const src = isV6 ? `fd00::${groups(index)}` : `10.${high >>> 8}.${high & 255}.${low}`;
  const dst = isV6 ? 'fd01::5' : `192.0.2.${1 + (index % 7)}`;
  const parts = [
    `-A -t ${3000 + (index % 5000)} -u ${pick(STATUS, index >>> 1)} -s ${src} -d ${dst}`,
    protocolPart(index, isV6),
    natPart(index, isV6),
    pick(ZONES, index >>> 2),
    index % 5 === 0 ? `-m ${(index * 37) % 256}` : '',
    index % 6 === 0 ? `--label-add ${index % 128},1` : '',
    index % 11 === 0 && isTcp(index) ? '--helper ftp' : '',
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** The last two groups of an address. */
function groups(index: number): string {
  return `${(index >>> 16).toString(16)}:${(index & 0xffff).toString(16)}`;
}

const KINDS = ['tcp', 'tcp', 'tcp', 'udp', 'udp', 'icmp', 'sctp', 'gre', 'udplite', '99'] as const;

function kindOf(index: number): (typeof KINDS)[number] {
  return pick(KINDS, Math.floor(index / 8));
}

function isTcp(index: number): boolean {
  return kindOf(index) === 'tcp';
}

function protocolPart(index: number, isV6: boolean): string {
  const kind = kindOf(index);
  const ports = `--sport ${1024 + (index % 50000)} --dport ${pick([80, 443, 53, 4789], index)}`;
  switch (kind) {
    case 'tcp':
      return `-p tcp ${ports} --state ${pick(TCP, index)}`;
    case 'udp':
    case 'udplite':
      return `-p ${kind} ${ports}`;
    case 'icmp': {
      const prefix = isV6 ? 'icmpv6' : 'icmp';
      const type = isV6 ? 128 : pick([8, 13, 15, 17], index);
      return `-p ${prefix} --${prefix}-type ${type} --${prefix}-code 0 --${prefix}-id ${index % 65536}`;
    }
    case 'sctp':
      return `-p sctp ${ports} --state ${pick(SCTP, index)} --orig-vtag ${index} --reply-vtag ${index + 1}`;
    case 'gre':
      return `-p gre --srckey ${index % 65536} --dstkey ${(index + 1) % 65536}`;
    case '99':
      return '-p 99';
  }
}

function natPart(index: number, isV6: boolean): string {
  const hasPorts = ['tcp', 'udp'].includes(kindOf(index));
  const port = hasPorts && index % 2 === 0 ? `:${20000 + (index % 40000)}` : '';
  const end = (v4: string, v6: string): string => {
    if (!isV6) return `${v4}${port}`;
    return port === '' ? v6 : `[${v6}]${port}`;
  };
  // each its own address: no two mappings may want one place
  const own = `198.${18 + (index >>> 16)}.${(index >>> 8) & 255}.${index & 255}`;
  const src = `--src-nat ${end(own, `fd02::${groups(index)}`)}`;
  const dst = `--dst-nat ${end('203.0.113.9', 'fd03::9')}`;
  return pick(['', '', '', src, dst, `${src} ${dst}`, ''], index);
}
